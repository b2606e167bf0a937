import { useQuery } from '@tanstack/react-query'
import { getInsightSummaries, type InsightSummary } from '../../api/insights'
import { getGroups } from '../../api/xray'
import { useScope } from '../../app/scope'
import { nodeKey } from '../../model/graph'

const none: ReadonlyMap<string, InsightSummary> = new Map()

/** useInsights says which services have an insight that is open: by the key of the node, account aside. */
export function useInsights(): ReadonlyMap<string, InsightSummary> {
  const { window, group } = useScope()
  const groups = useQuery({ queryKey: ['groups'], queryFn: ({ signal }) => getGroups(signal), staleTime: 60_000 })
  const watched = (groups.data ?? []).filter((one) => one.InsightsConfiguration.InsightsEnabled && (!group || one.GroupName === group)).map((one) => one.GroupName)
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
