import { oneOf, text, type RawSearch } from '../../app/search'

/** What of the URL is the own of the list of insights. */
export interface InsightsSearch {
  state?: 'active' | 'closed' | undefined
  /** What is out of the usual. */
  kind?: 'faults' | 'slow' | undefined
}

export function insightsSearch(raw: RawSearch): InsightsSearch {
  const search: InsightsSearch = {}
  const state = oneOf(['active', 'closed'] as const, raw['state'])
  if (state) search.state = state
  const kind = oneOf(['faults', 'slow'] as const, raw['kind'])
  if (kind) search.kind = kind
  return search
}

/** What of the URL is the own of one insight. */
export interface InsightSearch {
  /** The moment of the event that is chosen, in seconds since 1970. */
  event?: string | undefined
  /** What the charts of services show, if it is not what the insight is about. */
  chart?: 'faults' | 'times' | undefined
}

export function insightSearch(raw: RawSearch): InsightSearch {
  const search: InsightSearch = {}
  const event = text(raw['event'])
  if (event && /^\d{1,12}(\.\d{1,6})?$/.test(event)) search.event = event
  const chart = oneOf(['faults', 'times'] as const, raw['chart'])
  if (chart) search.chart = chart
  return search
}
