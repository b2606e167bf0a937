import { get, post } from './client'
import type { Tag } from './groups'
import type { Seconds } from './xray'

export interface RateBoost {
  MaxRate: number
  CooldownWindowMinutes: number
}

export interface SamplingRule {
  Attributes: Record<string, string>
  FixedRate: number
  HTTPMethod: string
  Host: string
  Priority: number
  ReservoirSize: number
  ResourceARN: string
  RuleARN: string
  RuleName: string
  SamplingRateBoost?: RateBoost | null
  ServiceName: string
  ServiceType: string
  URLPath: string
  Version: number
}

export interface SamplingRuleRecord {
  CreatedAt: Seconds
  ModifiedAt: Seconds
  SamplingRule: SamplingRule
}

/** What a rule is made of, or becomes. */
export type RuleRequest = Omit<SamplingRule, 'RuleARN' | 'Version'>

export async function getSamplingRules(signal?: AbortSignal): Promise<SamplingRuleRecord[]> {
  return (await post<{ SamplingRuleRecords: SamplingRuleRecord[] }>('/GetSamplingRules', {}, signal)).SamplingRuleRecords
}

export async function createSamplingRule(rule: RuleRequest, tags: readonly Tag[]): Promise<void> {
  await post('/CreateSamplingRule', { SamplingRule: { ...rule, Version: 1 }, ...(tags.length > 0 ? { Tags: tags } : {}) })
}

/** updateSamplingRule changes what is given; a boost that is not given is taken away. */
export async function updateSamplingRule(rule: Partial<RuleRequest> & { RuleName: string }): Promise<void> {
  await post('/UpdateSamplingRule', { SamplingRuleUpdate: rule })
}

export async function deleteSamplingRule(name: string): Promise<void> {
  await post('/DeleteSamplingRule', { RuleName: name })
}

/** What all clients decided by a rule in the ten seconds from Timestamp on. */
export interface SamplingStatistics {
  BorrowCount: number
  RequestCount: number
  RuleName: string
  SampledCount: number
  Timestamp: Seconds
}

/** getSamplingStatistics lists the sums of the last ten minutes, newest first. */
export async function getSamplingStatistics(signal?: AbortSignal): Promise<SamplingStatistics[]> {
  const found: SamplingStatistics[] = []
  let token: string | null = null
  do {
    const page: { NextToken: string | null; SamplingStatisticSummaries: SamplingStatistics[] } = await post('/SamplingStatisticSummaries', token ? { NextToken: token } : {}, signal)
    found.push(...page.SamplingStatisticSummaries)
    token = page.NextToken
  } while (token)
  return found
}

/** How a rule is applied now. */
export interface SamplingState {
  /** that reported in the last 30 seconds */
  ClientCount: number
  /** traces a second of the reservoir that they may take */
  LeasedCount: number
  /** with a boost, if there is one */
  Rate: number
  RuleName: string
}

export async function getSamplingStates(signal?: AbortSignal): Promise<SamplingState[]> {
  return (await get<{ States: SamplingState[] }>('/console/api/sampling', signal)).States
}

/** What a client knows of a request when it decides. What it does not know is left out. */
export interface SampledRequest {
  Attributes?: Record<string, string>
  /** a family of clients */
  Client?: string
  HTTPMethod?: string
  Host?: string
  ResourceARN?: string
  ServiceName?: string
  ServiceType?: string
  URLPath?: string
}

export interface Obstacle {
  /** of an attribute */
  Key: string
  Member: string
  Pattern: string
  /** Missing: the request lacks it. Ignored: the client ignores rules with it. */
  Reason: 'Differs' | 'Missing' | 'Ignored'
  Value: string
}

export interface RuleVerdict {
  Matches: boolean
  Obstacles: Obstacle[]
  RuleName: string
}

export interface SamplingTest {
  Clients: { Name: string; RuleName: string }[]
  /** that decides */
  RuleName: string
  /** in the order in which they are tried */
  Rules: RuleVerdict[]
}

/** testSampling asks which rule decides a request; docs/console-api.md. */
export async function testSampling(request: SampledRequest, signal?: AbortSignal): Promise<SamplingTest> {
  return post<SamplingTest>('/console/api/sampling/test', request, signal)
}
