import { oneOf, text, type RawSearch } from '../../app/search'

/** What of the URL is the own of the page of the server's state. */
export interface StatusSearch {
  /** How far back the charts go; an hour if it is not said. */
  span?: 'day' | undefined
  /** Losses of this reason only. */
  reason?: string | undefined
  /** It does not refresh by itself. */
  paused?: 'yes' | undefined
}

export function statusSearch(raw: RawSearch): StatusSearch {
  const search: StatusSearch = {}
  const span = oneOf(['day'], raw['span'])
  const paused = oneOf(['yes'], raw['paused'])
  const reason = text(raw['reason'])
  if (span) search.span = span
  if (paused) search.paused = paused
  if (reason) search.reason = reason
  return search
}
