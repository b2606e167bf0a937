import { text, type RawSearch } from '../../app/search'

/** What of the URL is the own of the list of groups. */
export interface GroupsSearch {
  /** What names and filters have to contain. */
  find?: string | undefined
  /** The group that is being changed. */
  edit?: string | undefined
  /** A group is being created, with this filter; "true" without one. */
  create?: string | undefined
}

export function groupsSearch(raw: RawSearch): GroupsSearch {
  const search: GroupsSearch = {}
  for (const key of ['find', 'edit', 'create'] as const) {
    const value = text(raw[key])
    if (value) search[key] = value
  }
  return search
}
