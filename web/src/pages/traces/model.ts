import type { AnalysisAttribute, AnalysisValue, PlainValue } from '../../api/analysis'
import type { Seconds, TraceSummary, Window } from '../../api/xray'
import { attributeNames, joinAttributes, splitAttributes } from '../../model/attributes'
import { number } from '../../model/filter'
import { countedFigures, type Figures, type Outcome } from '../../model/outcome'
import { shell } from '../../model/shell'
import { printMoment, printSpan, type Range } from '../../model/time'

/** How a trace ended; a rootless one has not begun to be told from its start. */
export type Ending = Outcome | 'rootless'

/** A trace as the list shows it, and no more: there may be many. */
export interface Row {
  id: string
  start: Seconds
  duration: Seconds | null
  response: Seconds | null
  ending: Ending
  /** Something of it is still open, or missing. */
  partial: boolean
  revision: number
  /** The service that the trace came in by. */
  entry: string | null
  method: string | null
  url: string | null
  status: number | null
  clientIp: string | null
  annotations: number
  users: readonly string[]
  services: number
}

export function rowOf(trace: TraceSummary): Row {
  return {
    id: trace.Id,
    start: trace.StartTime,
    duration: trace.Duration,
    response: trace.ResponseTime,
    ending: !trace.EntryPoint ? 'rootless' : trace.HasFault ? 'fault' : trace.HasThrottle ? 'throttle' : trace.HasError ? 'error' : 'ok',
    partial: trace.IsPartial,
    revision: trace.Revision,
    entry: trace.EntryPoint?.Name ?? null,
    method: trace.Http.HttpMethod,
    url: trace.Http.HttpURL,
    status: trace.Http.HttpStatus,
    clientIp: trace.Http.ClientIp,
    annotations: Object.values(trace.Annotations).reduce((sum, values) => sum + values.length, 0),
    users: trace.Users.map((user) => user.UserName),
    services: trace.ServiceIds.length,
  }
}

/** unique leaves out traces that were told before: one whose start moved while pages were read is on two of them. */
export function unique(rows: readonly Row[]): Row[] {
  const seen = new Set<string>()
  return rows.filter((row) => !seen.has(row.id) && seen.add(row.id))
}

// Columns.

export const columnIds = ['time', 'outcome', 'duration', 'response', 'method', 'status', 'entry', 'url', 'user', 'annotations', 'services', 'ip', 'id'] as const
export type ColumnId = (typeof columnIds)[number]

export const usualColumns: readonly ColumnId[] = ['time', 'outcome', 'duration', 'method', 'status', 'entry', 'url', 'user', 'annotations', 'id']

/** columnsOf reads the columns of a URL, in the order in which they are shown; the usual ones if none makes sense. */
export function columnsOf(text: string | undefined): readonly ColumnId[] {
  const wanted = new Set(text?.split(','))
  const found = columnIds.filter((id) => wanted.has(id))
  return found.length > 0 ? found : usualColumns
}

/** printColumns is what the URL keeps: nothing for the usual ones. */
export function printColumns(columns: readonly ColumnId[]): string | undefined {
  const text = columnIds.filter((id) => columns.includes(id)).join(',')
  return text === usualColumns.join(',') || text === '' ? undefined : text
}

// Refiners.

export const usualAttributes: readonly string[] = ['outcome', 'service', 'http.status', 'http.url', 'user']

/** No more are asked about at the same time, as the server's limit is. */
export const mostAttributes = 16

/** attributesOf reads the attributes of a URL; null if they are folded away. */
export function attributesOf(text: string | undefined): readonly string[] | null {
  if (text === 'none') return null
  const wanted = splitAttributes(text ?? '').filter((name) => name in attributeNames || /^annotation\[.+\]$/s.test(name))
  return wanted.length > 0 ? wanted.slice(0, mostAttributes) : usualAttributes
}

export function printAttributes(attributes: readonly string[]): string | undefined {
  const text = joinAttributes(attributes)
  return text === joinAttributes(usualAttributes) ? undefined : text
}

/** What a refiner shows of an attribute. */
export interface Facet {
  attribute: string
  values: readonly FacetValue[]
  /** Values that are not listed, and how often these are there. */
  left: number
  leftTimes: number
  /** Traces that have none. */
  absent: number
  /** Only so many traces of those that may have a value were looked at. */
  examined: { of: number; n: number } | null
  /** Not every value was counted: how many are left is an estimate. */
  estimated: boolean
}

export interface FacetValue {
  text: string
  condition: string
  figures: Figures
  /** of the traces of the set; null if only some were examined */
  share: number | null
  p50: Seconds | null
}

/** facetOf takes the first values of an attribute, and counts what is left out of them. */
export function facetOf(attribute: AnalysisAttribute, total: number, most: number): Facet {
  const shown = attribute.Values.filter((value) => (value.Sets[0]?.TotalCount ?? 0) > 0).slice(0, most)
  const spread = attribute.Sets[0]!
  const examined = attribute.Examined !== null && attribute.Eligible !== null && attribute.Examined < attribute.Eligible ? { of: attribute.Eligible, n: attribute.Examined } : null
  return {
    attribute: attribute.Name,
    values: shown.map(facetValue),
    left: Math.max(0, spread.DistinctCount - shown.length),
    leftTimes: Math.max(0, spread.ValueCount - shown.reduce((sum, value) => sum + value.Sets[0]!.TotalCount, 0)),
    absent: examined ? 0 : Math.max(0, total - spread.WithCount),
    examined,
    estimated: !attribute.Complete,
  }
}

function facetValue(value: AnalysisValue): FacetValue {
  const figures = value.Sets[0]!
  return { text: valueText(value.Value), condition: value.FilterExpression, figures: countedFigures(figures), share: figures.Share, p50: figures.P50 }
}

function valueText(value: PlainValue): string {
  if (value === '') return '(empty)'
  return value === 'rootless' ? 'no root yet' : String(value)
}

// How far a search is.

/** How much of a window was searched: from its end back to `to`. */
export interface Searched {
  share: number
  back: Seconds
}

/** searched tells it from where the last page ends. */
export function searched(window: Window, approximate: Seconds, done: boolean): Searched {
  const back = done ? window.start : Math.min(window.end, Math.max(window.start, approximate))
  return { share: (window.end - back) / Math.max(1e-9, window.end - window.start), back }
}

/** No more traces are kept in the list: beyond, narrowing is quicker than scrolling. */
export const mostRows = 20_000

/** The server ranks no more by duration. */
export const mostRanked = 1000

// The same by the command line.

export interface CommandQuestion {
  origin: string
  range: Range
  window: Window
  filter: string
  live: boolean
}

const usualOrigin = 'http://127.0.0.1:2000'

/** tomoCommand asks the same with tomo. */
export function tomoCommand({ origin, range, filter, live }: CommandQuestion): string {
  const words = ['tomo', live ? 'tail' : 'traces']
  if (origin !== usualOrigin) words.push('--endpoint', origin)
  if (!live && range.kind === 'between') words.push('--from', printMoment(range.start), '--to', printMoment(range.end))
  else if (!live && range.kind === 'last') words.push('--since', printSpan(range.seconds))
  if (filter) words.push('--filter', filter)
  return words.map(shell).join(' ')
}

/** awsCommand asks the same with the CLI of AWS. */
export function awsCommand({ origin, window, filter }: CommandQuestion): string {
  const words = ['aws', 'xray', 'get-trace-summaries', '--endpoint-url', origin, '--start-time', number(window.start), '--end-time', number(window.end)]
  if (filter) words.push('--filter-expression', filter)
  return words.map(shell).join(' ')
}

/** traceLink is where a trace is shown, beside another if one is given. */
export function traceLink(id: string, compare?: string): string {
  return `/traces/${encodeURIComponent(id)}${compare ? `?compare=${encodeURIComponent(compare)}` : ''}`
}

/** urlParts is the host of a URL, and what follows it. What is no URL is all path. */
export function urlParts(url: string): { host: string; path: string } {
  const match = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/is.exec(url)
  return match ? { host: match[1]!, path: match[2] || '/' } : { host: '', path: url }
}
