// What the pages of insights show, as pure functions.
import type { AnomalousServiceId, ImpactService, Insight, InsightEvent, InsightSummary, RequestImpact } from '../../api/insights'
import type { Period, Seconds, Window } from '../../api/xray'
import { duration } from '../../model/format'
import { id as filterId, of, service as serviceOf } from '../../model/filter'
import { edgeKey, kindOf, nodeKey, type Graph } from '../../model/graph'
import { percentile } from '../../model/histogram'
import { figuresOf, noFigures } from '../../model/outcome'
import type { InsightsSearch } from './search'

/** What is out of the usual. The API has one category for both; the summary tells. docs/insights.md. */
export interface Kinds {
  faults: boolean
  slow: boolean
}

/** kindsOf reads them from the first sentence of a summary. */
export function kindsOf(summary: string): Kinds {
  const [first = ''] = summary.split('.')
  const slow = /\bresponses (have been |were )?slow\b/i.test(first)
  return { slow, faults: /^faults\b/i.test(first) || !slow }
}

export function kindLabel({ faults, slow }: Kinds): string {
  return faults && slow ? 'Faults and slow responses' : slow ? 'Slow responses' : 'Faults'
}

/** lasted writes how long an insight has lasted, in whole minutes. */
export function lasted(insight: Pick<InsightSummary, 'StartTime' | 'EndTime'>, now: Seconds): string {
  return duration(Math.max(60, Math.round(((insight.EndTime ?? now) - insight.StartTime) / 60) * 60)).replace(/ 0 s$/, '')
}

/** chosenInsights are those that a search wants, newest start first. */
export function chosenInsights(insights: readonly InsightSummary[], { state, kind }: InsightsSearch): InsightSummary[] {
  return insights
    .filter((one) => (!state || one.State === (state === 'active' ? 'ACTIVE' : 'CLOSED')) && (!kind || kindsOf(one.Summary)[kind]))
    .sort((a, b) => b.StartTime - a.StartTime || (a.InsightId < b.InsightId ? -1 : 1))
}

/** A service as a node of maps and filters. */
export function nodeOf(service: AnomalousServiceId): { name: string; type: string | null; account: string | null } {
  return { name: service.Name, type: service.Type === '' ? null : service.Type, account: service.AccountId }
}

/** faultShare is the part of the requests that failed, null if there were none. */
export function faultShare(impact: RequestImpact): number | null {
  return impact.TotalCount > 0 ? impact.FaultCount / impact.TotalCount : null
}

/** An insight in a strip over time: from and to are shares of the strip. */
export interface Stripe {
  insight: InsightSummary
  lane: number
  from: number
  to: number
}

/** stripes lays insights out over a window, in as few lanes as they need; what is active goes on to the end. */
export function stripes(insights: readonly InsightSummary[], window: Window): Stripe[] {
  const span = Math.max(1, window.end - window.start)
  const free: number[] = [] // by lane: from where on there is room
  return [...insights]
    .sort((a, b) => a.StartTime - b.StartTime)
    .map((insight) => {
      const from = Math.min(1, Math.max(0, (insight.StartTime - window.start) / span))
      const to = Math.min(1, Math.max(from, ((insight.EndTime ?? window.end) - window.start) / span))
      let lane = free.findIndex((at) => at <= from)
      if (lane < 0) lane = free.length
      free[lane] = Math.max(to, from + 0.012) + 0.002
      return { insight, lane, from, to }
    })
}

/** windowAround is the time of an insight with some before, and after it if it is over, for charts: in whole minutes. */
export function windowAround(insight: Pick<Insight, 'StartTime' | 'EndTime'>, now: Seconds): Window {
  const end = insight.EndTime ?? now
  const pad = Math.min(3 * 3600, Math.max(20 * 60, (end - insight.StartTime) * 0.75))
  return { start: Math.floor((insight.StartTime - pad) / 60) * 60, end: Math.ceil(Math.min(now, insight.EndTime === null ? now : end + pad) / 60) * 60 }
}

/** windowOf is the time of an insight, up to an event of it if one is chosen, in whole minutes. */
export function windowOf(insight: Pick<Insight, 'StartTime' | 'EndTime'>, now: Seconds, event: Seconds | null): Window {
  const start = Math.floor(insight.StartTime / 60) * 60
  return { start, end: Math.max(start + 60, Math.ceil((event ?? insight.EndTime ?? now) / 60) * 60) }
}

/** The most that an impact graph may be of. */
const longestGraph = 6 * 3600

/** graphWindow is the end of a window, as long as an impact graph may be. */
export function graphWindow(window: Window): Window {
  return { start: Math.max(window.start, window.end - longestGraph), end: window.end }
}

/** impactGraph is the graph of an insight, with the figures that a graph of the same time has. */
export function impactGraph(services: readonly ImpactService[], all: Graph | undefined): Graph {
  const known = new Map(all?.nodes.map((node) => [node.key, node]))
  const figures = new Map(all?.edges.map((edge) => [edge.key, edge]))
  const keys = new Map(services.map((service) => [service.ReferenceId, nodeKey({ name: service.Name, type: service.Type, account: service.AccountId })]))
  const nodes = services.map((service) => {
    const key = keys.get(service.ReferenceId)!
    return known.get(key) ?? { key, name: service.Name, type: service.Type, account: service.AccountId, kind: kindOf(service.Type), figures: noFigures, response: [], start: null, end: null, root: false }
  })
  const edges = services.flatMap((service) =>
    service.Edges.flatMap(({ ReferenceId }) => {
      const [from, to] = [keys.get(service.ReferenceId)!, keys.get(ReferenceId)]
      if (to === undefined) return []
      const key = edgeKey(from, to)
      return [figures.get(key) ?? { key, from, to, figures: noFigures, response: [], aliases: [] }]
    }),
  )
  return { nodes, edges }
}

/** A period of a service, and what was to be expected in it. */
export interface Expected {
  start: Seconds
  requests: number
  faults: number
  /** How many faults are usual; null where that is not known. */
  low: number | null
  high: number | null
  p50: Seconds | null
  p90: Seconds | null
}

/** expectedOf reads periods that end at their Timestamp. */
export function expectedOf(periods: readonly Period[], seconds: Seconds): Expected[] {
  return periods.map((period) => {
    const figures = figuresOf(period.ServiceSummaryStatistics ?? period.EdgeSummaryStatistics)
    const times = period.ResponseTimeHistogram ?? []
    return {
      start: period.Timestamp - seconds,
      requests: figures.total,
      faults: figures.fault,
      low: period.ServiceForecastStatistics?.FaultCountLow ?? null,
      high: period.ServiceForecastStatistics?.FaultCountHigh ?? null,
      p50: percentile(times, 0.5),
      p90: percentile(times, 0.9),
    }
  })
}

/** beyond counts the periods with more faults than are usual. */
export function beyond(periods: readonly Expected[]): number {
  return periods.filter((period) => period.high !== null && period.faults > period.high).length
}

/** causeFilter matches the traces that an insight is about: those in which its root cause failed, or was at all if it was slow. */
export function causeFilter(insight: Pick<Insight, 'RootCauseServiceId' | 'Summary'>): string {
  const kinds = kindsOf(insight.Summary)
  return of(serviceOf(nodeOf(insight.RootCauseServiceId)), kinds.faults ? 'fault' : '')
}

/** selectorOf selects a service for a time series with a forecast, which needs an id. */
export function selectorOf(service: AnomalousServiceId): string {
  return `service(${filterId(nodeOf(service))})`
}

/** affectedServices are all services that an insight or one of its events names, in the order of the insight. */
export function affectedServices(insight: Pick<Insight, 'RootCauseServiceId' | 'TopAnomalousServices'>, events: readonly InsightEvent[]): AnomalousServiceId[] {
  const found = new Map<string, AnomalousServiceId>()
  for (const { ServiceId } of [{ ServiceId: insight.RootCauseServiceId }, ...insight.TopAnomalousServices, ...events.flatMap((event) => event.TopAnomalousServices)]) {
    const key = nodeKey(nodeOf(ServiceId))
    if (!found.has(key)) found.set(key, ServiceId)
  }
  return [...found.values()]
}

/** newServices are those that an event names and the one before it does not. Events are newest first. */
export function newServices(events: readonly InsightEvent[], place: number): AnomalousServiceId[] {
  const before = new Set((events[place + 1]?.TopAnomalousServices ?? []).map(({ ServiceId }) => nodeKey(nodeOf(ServiceId))))
  return (events[place]?.TopAnomalousServices ?? []).map(({ ServiceId }) => ServiceId).filter((service) => !before.has(nodeKey(nodeOf(service))))
}
