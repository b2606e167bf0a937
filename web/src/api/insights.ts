import { post } from './client'
import type { Seconds, Window } from './xray'

/** A service as insights name it. */
export interface AnomalousServiceId {
  AccountId: string | null
  Name: string
  Names: string[]
  Type: string
}

export interface RequestImpact {
  FaultCount: number
  OkCount: number
  TotalCount: number
}

export interface InsightSummary {
  Categories: string[]
  ClientRequestImpactStatistics: RequestImpact
  /** null while it is active */
  EndTime: Seconds | null
  GroupARN: string
  GroupName: string
  InsightId: string
  LastUpdateTime: Seconds
  RootCauseServiceId: AnomalousServiceId
  RootCauseServiceRequestImpactStatistics: RequestImpact
  StartTime: Seconds
  State: 'ACTIVE' | 'CLOSED'
  Summary: string
  TopAnomalousServices: { ServiceId: AnomalousServiceId }[]
}

export type InsightState = InsightSummary['State']

/** getInsightSummaries lists the insights of a group in a window, newest start first. */
export async function getInsightSummaries(window: Window, group: string, state?: InsightState, signal?: AbortSignal): Promise<InsightSummary[]> {
  const request = { StartTime: window.start, EndTime: window.end, GroupName: group, ...(state ? { States: [state] } : {}) }
  const found: InsightSummary[] = []
  let token: string | null = null
  do {
    const page: { InsightSummaries: InsightSummary[]; NextToken: string | null } = await post('/InsightSummaries', token ? { ...request, NextToken: token } : request, signal)
    found.push(...page.InsightSummaries)
    token = page.NextToken
  } while (token)
  return found
}

export type Insight = Omit<InsightSummary, 'LastUpdateTime'>

/** getInsight reads one. */
export async function getInsight(id: string, signal?: AbortSignal): Promise<Insight> {
  return (await post<{ Insight: Insight }>('/Insight', { InsightId: id }, signal)).Insight
}

/** What became of an insight at a moment. Counts are since its beginning. */
export interface InsightEvent {
  ClientRequestImpactStatistics: RequestImpact
  EventTime: Seconds
  RootCauseServiceRequestImpactStatistics: RequestImpact
  Summary: string
  TopAnomalousServices: { ServiceId: AnomalousServiceId }[]
}

/** getInsightEvents lists them, newest first. */
export async function getInsightEvents(id: string, signal?: AbortSignal): Promise<InsightEvent[]> {
  const found: InsightEvent[] = []
  let token: string | null = null
  do {
    const page: { InsightEvents: InsightEvent[]; NextToken: string | null } = await post('/InsightEvents', { InsightId: id, ...(token ? { NextToken: token } : {}) }, signal)
    found.push(...page.InsightEvents)
    token = page.NextToken
  } while (token)
  return found
}

/** A service of the graph of an insight, without figures. */
export interface ImpactService {
  AccountId: string | null
  Edges: { ReferenceId: number }[]
  Name: string
  ReferenceId: number
  Type: string | null
}

/** getInsightImpactGraph is the affected services and those from which calls lead to them, in at most 6 hours. */
export async function getInsightImpactGraph(id: string, window: Window, signal?: AbortSignal): Promise<ImpactService[]> {
  return (await post<{ Services: ImpactService[] }>('/InsightImpactGraph', { InsightId: id, StartTime: window.start, EndTime: window.end }, signal)).Services
}
