import type { AnalysisAttribute, AnalysisCounts, AnalysisValue, PlainValue } from '../../api/analysis'
import type { Seconds, TraceSummary, Window } from '../../api/xray'
import { and, number } from '../../model/filter'
import type { Figures, Outcome } from '../../model/outcome'
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

/** figuresOf is counts as charts draw them; rootless traces are in the total only. */
export function figuresOf(counts: AnalysisCounts): Figures {
  return { ok: counts.OkCount, error: counts.ErrorCount, throttle: counts.ThrottleCount, fault: counts.FaultCount, total: counts.TotalCount, time: 0 }
}

// Conditions of an expression.

/**
 * conjuncts takes an expression apart at its outer ANDs. One with an outer OR, and one
 * that leaves ANDs out, stays whole where it cannot be told apart.
 */
export function conjuncts(expression: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (const token of expression.matchAll(/"(?:\\.|[^"\\])*"|[({[]|[)}\]]|\b(?:and|or)\b/gi)) {
    const text = token[0]
    if ('({['.includes(text)) depth++
    else if (')}]'.includes(text)) depth--
    else if (depth === 0 && text.toLowerCase() === 'or') return [expression.trim()].filter(Boolean)
    else if (depth === 0 && text.toLowerCase() === 'and') {
      parts.push(expression.slice(from, token.index))
      from = token.index + text.length
    }
  }
  parts.push(expression.slice(from))
  return parts.map((part) => part.trim()).filter(Boolean)
}

/** has says whether a condition is one of those of an expression. */
export function has(expression: string, condition: string): boolean {
  return conjuncts(expression).includes(condition.trim())
}

/** without leaves a condition out. */
export function without(expression: string, condition: string): string {
  return conjuncts(expression)
    .filter((part) => part !== condition.trim())
    .join(' AND ')
}

/** toggle leaves a condition out if it is there, and adds it if not. The contrary is left out in any case. */
export function toggle(expression: string, condition: string): string {
  if (has(expression, condition)) return without(expression, condition)
  return and(without(without(expression, not(condition)), positive(condition)), condition)
}

/** not is the contrary of a condition. */
export function not(condition: string): string {
  return `!(${condition})`
}

function positive(condition: string): string {
  return /^!\((.*)\)$/s.exec(condition)?.[1] ?? not(condition)
}

/** withoutLast leaves the last condition out, and says which; null if there is only one, or none. */
export function withoutLast(expression: string): { rest: string; last: string } | null {
  const parts = conjuncts(expression)
  const last = parts.pop()
  return last === undefined || parts.length === 0 ? null : { rest: parts.join(' AND '), last }
}

/** The keyword of a time. */
export type Timed = 'duration' | 'responsetime'

/** withTimes narrows an expression to times, both ends included; what it said of them before is replaced. */
export function withTimes(expression: string, keyword: Timed, times: Times): string {
  const bound = new RegExp(`^${keyword}\\s*(?:<|>|<=|>=)\\s*[\\d.]+(?:e[+-]?\\d+)?$`, 'i')
  const rest = conjuncts(expression).filter((part) => !bound.test(part))
  return and(rest.length === 1 ? rest[0] : rest.join(' AND '), timesCondition(keyword, times))
}

export function timesCondition(keyword: Timed, { low, high }: Times): string {
  return `${keyword} >= ${number(low)} AND ${keyword} <= ${number(high)}`
}

// What is selected in the charts.

/** Times from low to high, both included. */
export interface Times {
  low: Seconds
  high: Seconds
}

export interface Brush {
  at: Window | null
  took: Times | null
}

export function brushOf(search: { at?: string | undefined; took?: string | undefined }): Brush {
  const [start, end] = (search.at ?? '').split('~').map((moment) => Date.parse(moment) / 1000)
  const [low, high] = (search.took ?? '').split('~').map((seconds) => (seconds.trim() === '' ? NaN : Number(seconds)))
  return {
    at: start !== undefined && end !== undefined && start < end ? { start, end } : null,
    took: low !== undefined && high !== undefined && low >= 0 && low < high && high < Infinity ? { low, high } : null,
  }
}

export function printBrush({ at, took }: Brush): { at: string | undefined; took: string | undefined } {
  return {
    at: at ? `${printMoment(at.start)}~${printMoment(at.end)}` : undefined,
    took: took ? `${number(took.low)}~${number(took.high)}` : undefined,
  }
}

/** narrowed is the part of a window that is selected; null if nothing is left. */
export function narrowed(window: Window, at: Window | null): Window | null {
  if (!at) return window
  const start = Math.max(window.start, at.start)
  const end = Math.min(window.end, at.end)
  return start < end ? { start, end } : null
}

/** rounded writes a time with so many digits that it is easily read, rounded down or up. */
export function rounded(seconds: Seconds, way: 'down' | 'up'): Seconds {
  if (seconds <= 0) return 0
  const unit = 10 ** (Math.floor(Math.log10(seconds)) - 2)
  const round = way === 'down' ? Math.floor : Math.ceil
  return Number((round(Number((seconds / unit).toPrecision(12))) * unit).toPrecision(6))
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

export const attributeNames: Record<string, string> = {
  outcome: 'Outcome',
  entrypoint: 'Entry service',
  service: 'Service',
  'http.status': 'Status',
  'http.method': 'Method',
  'http.url': 'URL',
  user: 'User',
  'http.useragent': 'User agent',
  'http.clientip': 'Client IP',
  'service.fault': 'Service with faults',
  'service.error': 'Service with errors',
  'service.throttle': 'Service throttled',
  edge: 'Call between services',
  type: 'Type of service',
  annotations: 'Annotation keys',
  'account.id': 'Account',
  availabilityzone: 'Availability zone',
  'instance.id': 'Instance',
  'resource.arn': 'Resource ARN',
  'rootcause.fault.service': 'Root cause of faults: service',
  'rootcause.fault.exception': 'Root cause of faults: exception',
  'rootcause.fault.message': 'Root cause of faults: message',
  'rootcause.error.service': 'Root cause of errors: service',
  'rootcause.error.exception': 'Root cause of errors: exception',
  'rootcause.error.message': 'Root cause of errors: message',
  'rootcause.responsetime.service': 'Root cause of time: service',
}

export const usualAttributes: readonly string[] = ['outcome', 'service', 'http.status', 'http.url', 'user']

/** No more are asked about at the same time, as the server's limit is. */
export const mostAttributes = 16

/** attributesOf reads the attributes of a URL; null if they are folded away. */
export function attributesOf(text: string | undefined): readonly string[] | null {
  if (text === 'none') return null
  const wanted = splitAttributes(text ?? '').filter((name) => name in attributeNames || /^annotation\[.+\]$/s.test(name))
  return wanted.length > 0 ? [...new Set(wanted)].slice(0, mostAttributes) : usualAttributes
}

export function printAttributes(attributes: readonly string[]): string | undefined {
  const text = attributes.join(',')
  return text === usualAttributes.join(',') ? undefined : text
}

/** splitAttributes parts a text at the commas that are not in brackets. */
function splitAttributes(text: string): string[] {
  return text.match(/(?:\[[^\]]*\]|[^,[])+/g)?.map((part) => part.trim()).filter(Boolean) ?? []
}

/** annotationAttribute is the attribute of an annotation, as completion writes its key: .key or ["a key"]. */
export function annotationAttribute(label: string): string {
  return `annotation[${label}]`
}

/** attributeName is what people call an attribute. */
export function attributeName(attribute: string): string {
  return attributeNames[attribute] ?? /^annotation\[(.*)\]$/s.exec(attribute)?.[1] ?? attribute
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
  return { text: valueText(value.Value), condition: value.FilterExpression, figures: figuresOf(figures), share: figures.Share, p50: figures.P50 }
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

/** shell quotes a word for a POSIX shell. */
export function shell(word: string): string {
  return /^[\w@%+=:,./~-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

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

/** traceId is the id of a trace that a text is, in either of the two ways to write it; null if it is none. */
export function traceId(text: string): string | null {
  const match = /^(?:1-)?([0-9a-f]{8})-?([0-9a-f]{24})$/i.exec(text.trim())
  return match ? `1-${match[1]}-${match[2]}`.toLowerCase() : null
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

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' })
const dayTimeFormat = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' })

/** when writes a start, with the day if it is not today's. */
export function when(start: Seconds, now: Date = new Date()): string {
  const date = new Date(start * 1000)
  return (date.toDateString() === now.toDateString() ? timeFormat : dayTimeFormat).format(date)
}
