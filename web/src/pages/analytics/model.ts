// What the analytics compare, and what comes out of it, as pure functions.
import type { AnalysisAttribute, AnalysisDifference, AnalysisSet, PlainValue } from '../../api/analysis'
import type { Seconds, Window } from '../../api/xray'
import { annotationKey, attributeName, joinAttributes, splitAttributes } from '../../model/attributes'
import { and, conjuncts, not, number } from '../../model/filter'
import { short } from '../../model/format'
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
  return shifted(window, -seconds)
}

/** shifted is a window so many seconds later. */
export function shifted({ start, end }: Window, seconds: Seconds): Window {
  return { start: start + seconds, end: end + seconds }
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

/** labelOf is an attribute in words. */
export function labelOf(attribute: string): string {
  return annotationKey(attribute) === null ? attributeName(attribute) : `Annotation ${attributeName(attribute)}`
}

/** How many attributes are shown at most: the server takes 16, and one tells the annotation keys. */
export const mostAttributes = 15

const defaultAttributes = ['http.url', 'http.status', 'user', 'rootcause.fault.service']

/** shownAttributes are the attributes whose values are counted. */
export function shownAttributes(by: string | undefined): string[] {
  return by === undefined ? defaultAttributes : by === 'none' ? [] : splitAttributes(by).slice(0, mostAttributes)
}

/** byOf is what shownAttributes reads. */
export function byOf(names: readonly string[]): string | undefined {
  if (names.length === 0) return 'none'
  return joinAttributes(names) === joinAttributes(defaultAttributes) ? undefined : joinAttributes(names)
}

/** hiddenAttributes are those whose differences are not listed: the sets are often made by them, so it says little. */
export function hiddenAttributes(hide: string | undefined): ReadonlySet<string> {
  return new Set(hide === undefined ? ['outcome'] : hide === 'none' ? [] : splitAttributes(hide))
}

export function hideOf(hidden: ReadonlySet<string>): string | undefined {
  const names = [...hidden]
  if (names.length === 0) return 'none'
  return names.length === 1 && names[0] === 'outcome' ? undefined : joinAttributes(names)
}

/** leftOut says in words what the listed values of an attribute leave out, '' if nothing. */
export function leftOut(attribute: AnalysisAttribute): { values: number; counts: number[] } {
  return { values: Math.max(0, ...attribute.Sets.map((set) => set.LeftCount)), counts: attribute.Sets.map((set) => set.LeftValueCount) }
}
