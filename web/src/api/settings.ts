import { get, post } from './client'
import { put } from './put'
import type { Seconds, Window } from './xray'

export interface EncryptionKey {
  Alias: string | null
  CreatedTime: Seconds
  Id: string
}

export interface Encryption {
  /** files that are not yet as they shall be */
  BehindCount: number
  KeyId: string | null
  Keys: EncryptionKey[]
  Status: 'UPDATING' | 'ACTIVE'
  Type: 'NONE' | 'KMS'
}

export async function getEncryption(signal?: AbortSignal): Promise<Encryption> {
  return get<Encryption>('/console/api/encryption', signal)
}

/** putEncryption encrypts with a key, by id, alias or ARN; with null, with none. */
export async function putEncryption(key: string | null): Promise<void> {
  await post('/PutEncryptionConfig', key === null ? { Type: 'NONE' } : { Type: 'KMS', KeyId: key })
}

export interface Limit {
  About: string
  /** of tomo serve; '' if none sets it */
  Flag: string
  Name: string
  Unit: '' | 'bytes' | 'seconds' | 'a second'
  Used: number | null
  /** null: no bound */
  Value: number | null
  Variable: string
}

export async function getLimits(signal?: AbortSignal): Promise<Limit[]> {
  return (await get<{ Limits: Limit[] }>('/console/api/limits', signal)).Limits
}

export interface KeepRule {
  Name: string
  Filter: string
  /** from 0 to 1 */
  Rate: number
  Kept: number
  Dropped: number
}

export interface KeepRules {
  Revision: number
  Rules: KeepRule[]
  /** traces that matched no rule, and were kept */
  Unmatched: number
}

export type KeepDraft = Pick<KeepRule, 'Name' | 'Filter' | 'Rate'>

export async function getKeepRules(signal?: AbortSignal): Promise<KeepRules> {
  return get<KeepRules>('/console/api/keep-rules', signal)
}

/** putKeepRules replaces all rules, unless they changed since that revision. */
export async function putKeepRules(revision: number, rules: readonly KeepDraft[]): Promise<KeepRules> {
  return put<KeepRules>('/console/api/keep-rules', { Revision: revision, Rules: rules })
}

export interface KeepForecast {
  Traces: number
  Kept: number
  /** There are no more in the time. */
  Complete: boolean
  Rules: { Name: string; Kept: number; Dropped: number }[]
  Unmatched: number
}

/** previewKeepRules says what rules would decide about the traces that are held. */
export async function previewKeepRules(window: Window, rules: readonly KeepDraft[], signal?: AbortSignal): Promise<KeepForecast> {
  return post<KeepForecast>('/console/api/keep-rules/preview', { StartTime: window.start, EndTime: window.end, Rules: rules }, signal)
}

export type DestinationName = 'XRay' | 'CloudWatchLogs'

export interface Destination {
  Destination: DestinationName
  Status: 'PENDING' | 'ACTIVE'
}

export async function getDestination(signal?: AbortSignal): Promise<Destination> {
  return post<Destination>('/GetTraceSegmentDestination', {}, signal)
}

export async function setDestination(destination: DestinationName): Promise<void> {
  await post('/UpdateTraceSegmentDestination', { Destination: destination })
}

export interface IndexingRule {
  ModifiedAt: Seconds | null
  Name: string
  Rule: { Probabilistic: { ActualSamplingPercentage?: number; DesiredSamplingPercentage: number } | null }
}

export async function getIndexingRules(signal?: AbortSignal): Promise<IndexingRule[]> {
  return (await post<{ IndexingRules: IndexingRule[] }>('/GetIndexingRules', {}, signal)).IndexingRules
}

export async function setIndexingRule(name: string, percentage: number): Promise<void> {
  await post('/UpdateIndexingRule', { Name: name, Rule: { Probabilistic: { DesiredSamplingPercentage: percentage } } })
}

export interface Policy {
  LastUpdatedTime: Seconds
  PolicyDocument: string
  PolicyName: string
  PolicyRevisionId: string
}

export async function getPolicies(signal?: AbortSignal): Promise<Policy[]> {
  const found: Policy[] = []
  let token: string | null = null
  do {
    const page: { NextToken: string | null; ResourcePolicies: Policy[] } = await post('/ListResourcePolicies', token ? { NextToken: token } : {}, signal)
    found.push(...page.ResourcePolicies)
    token = page.NextToken
  } while (token)
  return found
}

/** putPolicy creates a policy, with the revision "0", or replaces the one of that revision. */
export async function putPolicy(name: string, document: string, revision: string): Promise<void> {
  await post('/PutResourcePolicy', { PolicyName: name, PolicyDocument: document, PolicyRevisionId: revision })
}

export async function deletePolicy(name: string, revision: string): Promise<void> {
  await post('/DeleteResourcePolicy', { PolicyName: name, PolicyRevisionId: revision })
}
