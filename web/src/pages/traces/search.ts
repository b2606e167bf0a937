import { oneOf, text, type RawSearch } from '../../app/search'

/** In which order traces are listed; without one, the newest first. */
export const orders = ['oldest', 'slowest', 'fastest'] as const
export type Order = (typeof orders)[number] | 'newest'

/** What of the URL is the own of the traces. */
export interface TracesSearch {
  /** A filter expression. */
  filter?: string | undefined
  sort?: (typeof orders)[number] | undefined
  /** The columns of the list, with commas between. */
  cols?: string | undefined
  /** The attributes of the refiners, with commas between; "none" folds them away. */
  by?: string | undefined
  /** The attribute of which many values are shown. */
  more?: string | undefined
  /** What charts and bars are about: the time of the root's request instead of that of everything. */
  time?: 'response' | undefined
  /** The part of the time that is selected in the charts: two moments with ~ between. */
  at?: string | undefined
  /** The durations that are selected in the charts: seconds, with ~ between. */
  took?: string | undefined
  charts?: 'off' | undefined
  /** Traces as they come. */
  live?: 'on' | undefined
}

export function tracesSearch(raw: RawSearch): TracesSearch {
  const search: TracesSearch = {}
  for (const name of ['filter', 'cols', 'by', 'more', 'at', 'took'] as const) {
    const given = text(raw[name])
    if (given) search[name] = given
  }
  const sort = oneOf(orders, raw['sort'])
  if (sort) search.sort = sort
  if (raw['time'] === 'response') search.time = 'response'
  if (raw['charts'] === 'off') search.charts = 'off'
  if (raw['live'] === 'on') search.live = 'on'
  return search
}
