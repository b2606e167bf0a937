import { useQuery } from '@tanstack/react-query'
import { getInsightSummaries, type InsightSummary } from '../../api/insights'
import { useGroups } from '../../app/asked'
import { useScope } from '../../app/scope'
import { nodeKey } from '../../model/graph'
import { watchedGroups } from '../../model/groups'

const none: ReadonlyMap<string, InsightSummary> = new Map()

/** useInsights says which services have an insight that is open: by the key of the node, account aside. */
export function useInsights(): ReadonlyMap<string, InsightSummary> {
  const { window, group } = useScope()
  const watched = watchedGroups(useGroups().data ?? [], group)
  const found = useQuery({
    queryKey: ['insights', 'open', window, watched],
    queryFn: async ({ signal }) => {
      const all = await Promise.all(watched.map((name) => getInsightSummaries(window, name, 'ACTIVE', signal)))
      const byNode = new Map<string, InsightSummary>()
      for (const insight of all.flat()) {
        for (const id of [insight.RootCauseServiceId, ...insight.TopAnomalousServices.map((one) => one.ServiceId)]) {
          const key = nodeKey({ name: id.Name, type: id.Type })
          if (!byNode.has(key)) byNode.set(key, insight)
        }
      }
      return byNode
    },
    enabled: watched.length > 0,
  })
  return found.data ?? none
}
