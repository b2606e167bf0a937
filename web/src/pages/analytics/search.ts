import { oneOf, text, type RawSearch } from '../../app/search'

/** What the two sets are where nobody wrote them; see model.ts. */
export const presetNames = ['trouble', 'slowest', 'faults', 'errors', 'before', 'day', 'week'] as const
export type PresetName = (typeof presetNames)[number]

/** What of the URL is the own of the analytics. Texts that make no sense are read as if they were not there. */
export interface AnalyticsSearch {
  /** What is compared: `own` if the sets are written in `a` and `b`. */
  sets?: PresetName | 'own' | undefined
  /** The filter expressions of the two sets. */
  a?: string | undefined
  b?: string | undefined
  /** How much earlier the time of B is: `window`, or a span such as 1h. */
  before?: string | undefined
  /** The time of B, if it is one of its own. */
  bfrom?: string | undefined
  bto?: string | undefined
  /** The time that histogram and dots are about; without it the response time. */
  measure?: 'duration' | undefined
  /** Attributes whose values are counted, with commas between. */
  by?: string | undefined
  /** How many values of each. */
  top?: '20' | '100' | undefined
  /** Attributes whose differences are not listed, with commas between; `none` if all are. */
  hide?: string | undefined
  /** The part of the time of A, and the times of traces, that are selected in the charts; see model/brush.ts. */
  at?: string | undefined
  took?: string | undefined
  /** What a click on a value does: without it, only the value is left. */
  click?: 'without' | undefined
}

export function analyticsSearch(raw: RawSearch): AnalyticsSearch {
  const search: AnalyticsSearch = {}
  const sets = oneOf([...presetNames, 'own'] as const, raw['sets'])
  if (sets) search.sets = sets
  for (const name of ['a', 'b', 'before', 'bfrom', 'bto', 'by', 'hide', 'at', 'took'] as const) {
    const value = text(raw[name])
    if (value) search[name] = value
  }
  if (raw['measure'] === 'duration') search.measure = 'duration'
  if (raw['click'] === 'without') search.click = 'without'
  const top = oneOf(['20', '100'] as const, raw['top'])
  if (top) search.top = top
  return search
}
