// What of the URL every page shares: the time, the group, how often to refresh. A
// page adds what is its own; see web/README.md.
import { parseRange, parseSpan, type RangeText } from '../model/time'

export interface Scope extends RangeText {
  group?: string | undefined
  /** How often relative ranges are asked anew: 10s, 30s, 1m, 5m. */
  refresh?: string | undefined
}

export type RawSearch = Record<string, unknown>

/** text takes a parameter as a text; what is empty is not there. */
export function text(raw: unknown): string | undefined {
  return typeof raw === 'string' && raw !== '' ? raw : undefined
}

/** oneOf takes a parameter that is one of some words. */
export function oneOf<Word extends string>(words: readonly Word[], raw: unknown): Word | undefined {
  return words.find((word) => word === raw)
}

/** scopeOf reads the shared part; what makes no sense is left out. */
export function scopeOf(raw: RawSearch): Scope {
  const scope: Scope = {}
  const from = text(raw['from'])
  const to = text(raw['to'])
  const since = text(raw['since'])
  if (from && to && parseRange({ from, to }).kind === 'between') Object.assign(scope, { from, to })
  else if (since && parseSpan(since) !== null) scope.since = since
  const group = text(raw['group'])
  if (group) scope.group = group
  const refresh = text(raw['refresh'])
  if (refresh && (parseSpan(refresh) ?? 0) >= 5) scope.refresh = refresh
  return scope
}

/** parseSearch and printSearch keep parameters as plain texts, so that links read well. */
export function parseSearch(search: string): RawSearch {
  return Object.fromEntries(new URLSearchParams(search))
}

export function printSearch(search: RawSearch): string {
  const parameters = new URLSearchParams()
  for (const [key, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== '') parameters.set(key, String(value))
  }
  const printed = parameters.toString()
  return printed === '' ? '' : `?${printed}`
}
