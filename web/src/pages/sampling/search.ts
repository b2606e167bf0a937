import { text, type RawSearch } from '../../app/search'

/** The parts of the request that is tried, as they are in the URL. */
export const requestKeys = ['service', 'type', 'host', 'method', 'path', 'arn', 'attributes', 'client'] as const

export type RequestKey = (typeof requestKeys)[number]

/** What of the URL is the own of the page of sampling rules. */
export interface SamplingSearch extends Partial<Record<RequestKey, string | undefined>> {
  /** The rule that is being changed. */
  edit?: string | undefined
  /** A rule is being created. */
  create?: string | undefined
}

export function samplingSearch(raw: RawSearch): SamplingSearch {
  const search: SamplingSearch = {}
  for (const key of [...requestKeys, 'edit', 'create'] as const) {
    const value = text(raw[key])
    if (value) search[key] = value
  }
  return search
}
