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
