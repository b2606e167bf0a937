// What the analytics compare, and what comes out of it, as pure functions.
import type { Analysis, AnalysisAttribute, AnalysisCounts, AnalysisDifference, AnalysisSet, PlainValue } from '../../api/analysis'
import type { HistogramEntry, Seconds, Window } from '../../api/xray'
import { and, number } from '../../model/filter'
import { short } from '../../model/format'
import { barsOf, mergeHistograms } from '../../model/histogram'
import type { Figures } from '../../model/outcome'
import { parseRange, parseSpan, printMoment, printSpan } from '../../model/time'
import type { AnalyticsSearch, PresetName } from './search'

/** One of the two sets, or both. */
export type SetName = 'a' | 'b'
export type Which = SetName | 'both'

export const setNames: readonly SetName[] = ['a', 'b']

/** The time of B: that of A, so much earlier (null: as long as the window is), or one of its own. */
export type OtherTime = { kind: 'same' } | { kind: 'earlier'; seconds: Seconds | null } | { kind: 'between'; start: Seconds; end: Seconds }

/** The two sets: a filter expression each, and the time of the second. That of the first is the page's. */
export interface Sets {
  a: string
  b: string
  time: OtherTime
}

interface Preset {
  name: PresetName
  label: string
  note: string
  /** Whether the sets hang on how long the slowest traces took. */
  bySlowest?: boolean
}

/** What is offered to compare; the first one is where the page begins. */
export const presets: readonly Preset[] = [
  { name: 'trouble', label: 'Slow or failed, and the rest', note: 'faults, throttles and the slowest 5 %', bySlowest: true },
  { name: 'slowest', label: 'The slowest 5 %, and the rest', note: 'by response time', bySlowest: true },
  { name: 'faults', label: 'Faults, and what was fine', note: 'fault | ok' },
  { name: 'errors', label: 'Errors of clients, and what was fine', note: 'error | ok' },
  { name: 'before', label: 'This time, and the time before', note: 'as long, right before' },
  { name: 'day', label: 'This time, and a day before', note: 'the same hours of the day' },
  { name: 'week', label: 'This time, and a week before', note: 'the same hours of the week' },
]

export function presetOf(search: AnalyticsSearch): PresetName | 'own' {
  if (search.sets) return search.sets
  return search.a || search.b || search.before || search.bfrom ? 'own' : 'trouble'
}

/** needsSlowest says whether the sets of a search hang on the time that 95 % of the traces did not exceed. */
export function needsSlowest(search: AnalyticsSearch): boolean {
  const name = presetOf(search)
  return presets.some((preset) => preset.name === name && preset.bySlowest === true)
}

/** setsOf reads the sets; slowest is the 95th percentile, null where no trace has a response time. */
export function setsOf(search: AnalyticsSearch, slowest: Seconds | null): Sets {
  const same: OtherTime = { kind: 'same' }
  switch (presetOf(search)) {
    case 'own':
      return { a: search.a ?? '', b: search.b ?? '', time: timeOf(search) }
    case 'trouble': {
      const a = slowest === null ? 'fault OR throttle' : `fault OR throttle OR responsetime >= ${number(slowest)}`
      return { a, b: not(a), time: same }
    }
    case 'slowest':
      return slowest === null ? { a: 'responsetime', b: '!responsetime', time: same } : { a: `responsetime >= ${number(slowest)}`, b: `responsetime < ${number(slowest)}`, time: same }
    case 'faults':
      return { a: 'fault', b: 'ok', time: same }
    case 'errors':
      return { a: 'error', b: 'ok', time: same }
    case 'before':
      return { a: '', b: '', time: { kind: 'earlier', seconds: null } }
    case 'day':
      return { a: '', b: '', time: { kind: 'earlier', seconds: 86_400 } }
    case 'week':
      return { a: '', b: '', time: { kind: 'earlier', seconds: 7 * 86_400 } }
  }
}

function timeOf({ before, bfrom, bto }: AnalyticsSearch): OtherTime {
  const range = parseRange({ from: bfrom, to: bto })
  if (bfrom && bto && range.kind === 'between') return range
  if (before === 'window') return { kind: 'earlier', seconds: null }
  const seconds = before ? parseSpan(before) : null
  return seconds === null ? { kind: 'same' } : { kind: 'earlier', seconds }
}

/** searchOf writes the sets into the part of the URL that setsOf reads. */
export function searchOf({ a, b, time }: Sets): AnalyticsSearch {
  return {
    sets: 'own',
    a: a.trim() || undefined,
    b: b.trim() || undefined,
    before: time.kind === 'earlier' ? (time.seconds === null ? 'window' : printSpan(time.seconds)) : undefined,
    bfrom: time.kind === 'between' ? printMoment(time.start) : undefined,
    bto: time.kind === 'between' ? printMoment(time.end) : undefined,
  }
}

/** otherWindow is the window of B, undefined if it is that of A. */
export function otherWindow(time: OtherTime, window: Window): Window | undefined {
  if (time.kind === 'same') return undefined
  if (time.kind === 'between') return { start: time.start, end: time.end }
  const seconds = time.seconds ?? window.end - window.start
  return { start: window.start - seconds, end: window.end - seconds }
}

/** not reverses an expression. */
export function not(expression: string): string {
  return `!(${expression})`
}

/** refine narrows one of the sets, or both, to what matches a condition, or to what does not. */
export function refine(sets: Sets, which: Which, condition: string, without = false): Sets {
  const added = without ? not(condition) : condition
  const narrowed = (expression: string) => (conjuncts(expression).includes(added) ? expression : and(expression, added))
  return { ...sets, a: which === 'b' ? sets.a : narrowed(sets.a), b: which === 'a' ? sets.b : narrowed(sets.b) }
}

/** swap exchanges the expressions of the sets; the times stay where they are. */
export function swap(sets: Sets): Sets {
  return { ...sets, a: sets.b, b: sets.a }
}

/**
 * conjuncts are the parts that AND ties at the outside. An expression that has an OR
 * there is one part; so are conditions with nothing between.
 */
export function conjuncts(expression: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (const token of expression.matchAll(/"(?:\\.|[^"\\])*"?|[({[]|[)}\]]|[\w.]+/g)) {
    const text = token[0]
    if ('({['.includes(text)) depth++
    else if (')}]'.includes(text)) depth--
    else if (depth === 0 && text.toUpperCase() === 'OR') return [expression.trim()]
    else if (depth === 0 && text.toUpperCase() === 'AND') {
      parts.push(expression.slice(from, token.index))
      from = token.index + text.length
    }
  }
  parts.push(expression.slice(from))
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** without is an expression without one of its conjuncts. */
export function without(expression: string, place: number): string {
  return conjuncts(expression)
    .filter((_, i) => i !== place)
    .join(' AND ')
}

/** countsFigures is how traces ended, for what draws outcomes. Those without a root are in the total alone. */
export function countsFigures(counts: AnalysisCounts): Figures {
  return { ok: counts.OkCount, error: counts.ErrorCount, throttle: counts.ThrottleCount, fault: counts.FaultCount, total: counts.TotalCount, time: 0 }
}

/** shareOf is a part of a set, 0 of nothing. */
export function shareOf(n: number, total: number): number {
  return total > 0 ? n / total : 0
}

/** A bar of two histograms over each other. */
export interface PairedBar {
  low: Seconds
  high: Seconds
  a: number
  b: number
}

/** pairedBars gathers two histograms into the same bars. */
export function pairedBars(a: readonly HistogramEntry[], b: readonly HistogramEntry[], most: number): { scale: 'linear' | 'log'; bars: PairedBar[] } {
  const { scale, bars } = barsOf(mergeHistograms(a, b), most)
  const paired = bars.map(({ low, high }): PairedBar => ({ low, high, a: 0, b: 0 }))
  const fill = (entries: readonly HistogramEntry[], set: SetName) => {
    let at = 0
    for (const entry of entries) {
      while (at < paired.length - 1 && entry.Value >= paired[at]!.high - 1e-9) at++
      paired[at]![set] += entry.Count
    }
  }
  fill(a, 'a')
  fill(b, 'b')
  return { scale, bars: paired }
}

/** A line of the table that holds the two sets beside each other. */
export interface FigureRow {
  label: string
  /** How the figures are to be written. */
  unit: 'count' | 'share' | 'time'
  a: number | null
  b: number | null
  /** Times: how many times A is B, null if that says nothing. Shares: A less B. */
  difference: number | null
  /** Which outcome it is of. */
  outcome?: 'ok' | 'error' | 'throttle' | 'fault'
}

/** figureRows holds the figures of two sets beside each other. */
export function figureRows(a: AnalysisSet, b: AnalysisSet, measure: 'ResponseTime' | 'Duration'): FigureRow[] {
  const share = (label: string, of: (set: AnalysisSet) => number, outcome?: FigureRow['outcome']): FigureRow => {
    const [x, y] = [a, b].map((set) => (set.TotalCount > 0 ? of(set) / set.TotalCount : null)) as [number | null, number | null]
    return { label, unit: 'share', a: x, b: y, difference: x === null || y === null ? null : x - y, ...(outcome ? { outcome } : {}) }
  }
  const time = (label: string, of: (set: AnalysisSet) => number | null): FigureRow => {
    const [x, y] = [of(a), of(b)]
    return { label, unit: 'time', a: x, b: y, difference: x === null || !y ? null : x / y }
  }
  const rows = [
    share('OK', (set) => set.OkCount, 'ok'),
    share('Error (4xx)', (set) => set.ErrorCount, 'error'),
    share('Throttle (429)', (set) => set.ThrottleCount, 'throttle'),
    share('Fault (5xx)', (set) => set.FaultCount, 'fault'),
    time('p50', (set) => set[measure].P50),
    time('p90', (set) => set[measure].P90),
    time('p95', (set) => set[measure].P95),
    time('p99', (set) => set[measure].P99),
  ]
  if (a.RootlessCount + b.RootlessCount > 0) rows.splice(4, 0, share('No root yet', (set) => set.RootlessCount))
  return rows
}

/** A value by which the sets differ, as it is listed. */
export interface DifferenceRow {
  key: string
  attribute: string
  value: string
  expression: string
  counts: [number, number]
  shares: [number, number]
  /** The set in which it is more frequent. */
  more: SetName
}

export function differenceRows(differences: readonly AnalysisDifference[], hidden: ReadonlySet<string>): DifferenceRow[] {
  return differences
    .filter((one) => !hidden.has(one.Attribute))
    .map((one) => ({
      key: `${one.Attribute} ${one.FilterExpression}`,
      attribute: one.Attribute,
      value: valueText(one.Value),
      expression: one.FilterExpression,
      counts: [one.Counts[0] ?? 0, one.Counts[1] ?? 0],
      shares: [one.Shares[0] ?? 0, one.Shares[1] ?? 0],
      more: (one.Shares[0] ?? 0) >= (one.Shares[1] ?? 0) ? 'a' : 'b',
    }))
}

/** A difference, and those that have the same counts in both sets: most often values that come with each other. */
export interface DifferenceGroup {
  row: DifferenceRow
  same: DifferenceRow[]
}

/** groupRows puts rows with the same counts together, where the first of them stands. */
export function groupRows(rows: readonly DifferenceRow[]): DifferenceGroup[] {
  const groups = new Map<string, DifferenceGroup>()
  for (const row of rows) {
    const counts = row.counts.join(' ')
    const group = groups.get(counts)
    if (group) group.same.push(row)
    else groups.set(counts, { row, same: [] })
  }
  return [...groups.values()]
}

/** commonStart is what all of several texts begin with, up to a slash that something follows; '' if that is short. */
export function commonStart(texts: readonly string[]): string {
  const [first] = texts
  if (first === undefined || texts.length < 2) return ''
  let length = first.length
  for (const text of texts) {
    let same = 0
    while (same < length && text[same] === first[same]) same++
    length = same
  }
  const end = first.lastIndexOf('/', length - 1)
  return end >= 8 ? first.slice(0, end) : ''
}

/** differingAttributes counts the differences of each attribute, in the order in which they come first. */
export function differingAttributes(differences: readonly AnalysisDifference[]): { attribute: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const one of differences) counts.set(one.Attribute, (counts.get(one.Attribute) ?? 0) + 1)
  return [...counts].map(([attribute, count]) => ({ attribute, count }))
}

export function valueText(value: PlainValue): string {
  return typeof value === 'string' ? value : String(value)
}

/** times says how many times as often: "4.2×", or that one set has none of it. */
export function times(row: DifferenceRow): string {
  const [more, less] = row.more === 'a' ? row.shares : [row.shares[1], row.shares[0]]
  if (less === 0) return `only ${row.more.toUpperCase()}`
  const ratio = more / less
  return ratio >= 1.05 ? `${ratio >= 10 ? short(Math.round(ratio)) : ratio.toFixed(1).replace(/\.0$/, '')}×` : ''
}

/** The attributes that sets can be taken apart by, without annotations, and what they are. docs/console-api.md. */
export const attributes: readonly { name: string; label: string }[] = [
  { name: 'http.url', label: 'URL' },
  { name: 'http.method', label: 'Method' },
  { name: 'http.status', label: 'Status' },
  { name: 'outcome', label: 'Outcome' },
  { name: 'user', label: 'User' },
  { name: 'entrypoint', label: 'Entry point' },
  { name: 'service', label: 'Service' },
  { name: 'service.fault', label: 'Service with a fault' },
  { name: 'service.error', label: 'Service with an error' },
  { name: 'service.throttle', label: 'Service that throttled' },
  { name: 'edge', label: 'Call' },
  { name: 'type', label: 'Type of service' },
  { name: 'rootcause.fault.service', label: 'Root cause of the fault' },
  { name: 'rootcause.fault.entity', label: 'Path of the fault' },
  { name: 'rootcause.fault.exception', label: 'Exception of the fault' },
  { name: 'rootcause.fault.message', label: 'Message of the fault' },
  { name: 'rootcause.error.service', label: 'Root cause of the error' },
  { name: 'rootcause.error.entity', label: 'Path of the error' },
  { name: 'rootcause.error.exception', label: 'Exception of the error' },
  { name: 'rootcause.error.message', label: 'Message of the error' },
  { name: 'rootcause.responsetime.service', label: 'Root cause of the response time' },
  { name: 'rootcause.responsetime.entity', label: 'Path of the response time' },
  { name: 'http.useragent', label: 'User agent' },
  { name: 'http.clientip', label: 'Client address' },
  { name: 'availabilityzone', label: 'Availability zone' },
  { name: 'instance.id', label: 'Instance' },
  { name: 'resource.arn', label: 'Resource' },
  { name: 'account.id', label: 'Account' },
  { name: 'annotations', label: 'Annotation keys' },
]

/** annotationOf is the attribute of an annotation. */
export function annotationOf(key: string): string {
  return `annotation[${key}]`
}

/** labelOf is an attribute in words. */
export function labelOf(attribute: string): string {
  const key = /^annotation(?:\.(.+)|\[(.+)\])$/.exec(attribute)
  if (key) return `Annotation ${key[1] ?? key[2]}`
  return attributes.find((one) => one.name === attribute)?.label ?? attribute
}

/** How many attributes are shown at most: the server takes 16, and one tells the annotation keys. */
export const mostAttributes = 15

const defaultAttributes = ['http.url', 'http.status', 'user', 'rootcause.fault.service']

/** splitList and joinList keep names in a text. Keys of annotations may have commas: those in brackets do not count. */
export function splitList(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let part = ''
  for (const letter of text) {
    if (letter === '[') depth++
    else if (letter === ']') depth = Math.max(0, depth - 1)
    if (letter === ',' && depth === 0) {
      parts.push(part)
      part = ''
    } else part += letter
  }
  parts.push(part)
  return [...new Set(parts.map((one) => one.trim()).filter((one) => one !== ''))]
}

export function joinList(names: readonly string[]): string {
  return names.join(',')
}

/** shownAttributes are the attributes whose values are counted. */
export function shownAttributes(by: string | undefined): string[] {
  return by === undefined ? defaultAttributes : by === 'none' ? [] : splitList(by).slice(0, mostAttributes)
}

/** byOf is what shownAttributes reads. */
export function byOf(names: readonly string[]): string | undefined {
  if (names.length === 0) return 'none'
  return joinList(names) === joinList(defaultAttributes) ? undefined : joinList(names)
}

/** hiddenAttributes are those whose differences are not listed: the sets are often made by them, so it says little. */
export function hiddenAttributes(hide: string | undefined): ReadonlySet<string> {
  return new Set(hide === undefined ? ['outcome'] : hide === 'none' ? [] : splitList(hide))
}

export function hideOf(hidden: ReadonlySet<string>): string | undefined {
  const names = [...hidden]
  if (names.length === 0) return 'none'
  return names.length === 1 && names[0] === 'outcome' ? undefined : joinList(names)
}

/** leftOut says in words what the listed values of an attribute leave out, '' if nothing. */
export function leftOut(attribute: AnalysisAttribute): { values: number; counts: number[] } {
  return { values: Math.max(0, ...attribute.Sets.map((set) => set.LeftCount)), counts: attribute.Sets.map((set) => set.LeftValueCount) }
}

/** isComparable says whether both sets have traces. */
export function isComparable(analysis: Analysis): boolean {
  return analysis.Sets.length === 2 && analysis.Sets.every((set) => set.TotalCount > 0)
}
