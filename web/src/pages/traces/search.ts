import { text, type RawSearch } from '../../app/search'

/** What of the URL is the own of the list of traces. */
export interface TracesSearch {
  /** A filter expression. */
  filter?: string | undefined
}

export function tracesSearch(raw: RawSearch): TracesSearch {
  const filter = text(raw['filter'])
  return filter ? { filter } : {}
}
