import { useQuery } from '@tanstack/react-query'
import { getLimits } from '../api/settings'
import { getGroups } from '../api/xray'
import { queries } from './scope'

// What several pages ask about. Each is asked once and kept under one key.

const groups = ['groups']
const limits = ['limits']

/** useGroups asks for the groups; whoever changes them has them asked anew, see groupsChanged. */
export function useGroups(staleTime = 60_000) {
  return useQuery({ queryKey: groups, queryFn: ({ signal }) => getGroups(signal), staleTime })
}

/** useLimits asks what bounds the tenant, and how much of it is used. */
export function useLimits(staleTime = 60_000) {
  return useQuery({ queryKey: limits, queryFn: ({ signal }) => getLimits(signal), staleTime })
}

/** useLimit is one of them, by its name; null if there is none, or it is not known yet. */
export function useLimit(name: string): number | null {
  return useLimits().data?.find((limit) => limit.Name === name)?.Value ?? null
}

/** groupsChanged has the groups, and the limit of them, asked anew. */
export async function groupsChanged(): Promise<void> {
  void queries.invalidateQueries({ queryKey: limits })
  await queries.invalidateQueries({ queryKey: groups })
}

/** limitsChanged has the limits asked anew. */
export function limitsChanged(): void {
  void queries.invalidateQueries({ queryKey: limits })
}
