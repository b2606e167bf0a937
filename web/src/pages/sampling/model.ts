import type { Obstacle, RuleRequest, SampledRequest, SamplingRule, SamplingRuleRecord, SamplingStatistics } from '../../api/sampling'
import { percentOf, percentText } from '../../model/format'
import type { Pair } from '../../ui/Pairs'
import type { SamplingSearch } from './search'

export const defaultRule = 'Default'

/** What can be done with rules, and the actions that it takes. */
export const ruleActions = { create: 'xray:CreateSamplingRule', change: 'xray:UpdateSamplingRule', delete: 'xray:DeleteSamplingRule' }

/** ordered are the rules as they are tried: by priority, of equal ones by name. */
export function ordered(records: readonly SamplingRuleRecord[]): SamplingRule[] {
  return records.map((record) => record.SamplingRule).sort((a, b) => a.Priority - b.Priority || (a.RuleName < b.RuleName ? -1 : 1))
}

/** The members of a rule that a request is held against, with what people call them. */
export const conditionMembers = {
  ServiceName: 'Service',
  ServiceType: 'Type',
  Host: 'Host',
  HTTPMethod: 'Method',
  URLPath: 'Path',
  ResourceARN: 'Resource',
} as const

type ConditionMember = keyof typeof conditionMembers

/** labelOf is what a member is called, an attribute with its key. */
export function labelOf(member: string, key = ''): string {
  if (member === 'Attributes') return key
  return conditionMembers[member as ConditionMember] ?? member
}

/** What a request has to be like for a rule; what may be anything is left out. */
export interface Condition {
  member: string
  key: string
  label: string
  pattern: string
}

export function conditionsOf(rule: SamplingRule): Condition[] {
  const found: Condition[] = []
  for (const member of Object.keys(conditionMembers) as ConditionMember[]) {
    if (rule[member] !== '*') found.push({ member, key: '', label: conditionMembers[member], pattern: rule[member] })
  }
  for (const key of Object.keys(rule.Attributes).sort()) found.push({ member: 'Attributes', key, label: key, pattern: rule.Attributes[key]! })
  return found
}

/** What all clients decided by a rule in the last ten minutes. */
export interface RuleFigures {
  requests: number
  sampled: number
  borrowed: number
  /** by windows of ten seconds, oldest first */
  windows: { start: number; requests: number; sampled: number; borrowed: number }[]
}

export function figuresOf(statistics: readonly SamplingStatistics[], rule: string): RuleFigures {
  const figures: RuleFigures = { requests: 0, sampled: 0, borrowed: 0, windows: [] }
  for (const one of statistics) {
    if (one.RuleName !== rule) continue
    figures.requests += one.RequestCount
    figures.sampled += one.SampledCount
    figures.borrowed += one.BorrowCount
    figures.windows.push({ start: one.Timestamp, requests: one.RequestCount, sampled: one.SampledCount, borrowed: one.BorrowCount })
  }
  figures.windows.sort((a, b) => a.start - b.start)
  return figures
}

/**
 * effectiveRate is the share of the requests that was traced. X-Ray SDKs do not count
 * borrowed ones as sampled and OpenTelemetry does, so with borrowed ones there are
 * two answers: the truth lies between them.
 */
export function effectiveRate({ requests, sampled, borrowed }: RuleFigures): { low: number; high: number } | null {
  if (requests === 0) return null
  return { low: Math.min(1, sampled / requests), high: Math.min(1, (sampled + borrowed) / requests) }
}

/** requestOf is the request that the URL holds. */
export function requestOf(search: SamplingSearch): SampledRequest {
  const request: SampledRequest = {}
  const set = (member: Exclude<keyof SampledRequest, 'Attributes'>, value: string | undefined) => {
    if (value) request[member] = value
  }
  set('ServiceName', search.service)
  set('ServiceType', search.type)
  set('Host', search.host)
  set('HTTPMethod', search.method)
  set('URLPath', search.path)
  set('ResourceARN', search.arn)
  set('Client', search.client)
  const attributes = parseAttributes(search.attributes ?? '').filter((pair) => pair.key !== '')
  if (attributes.length > 0) request.Attributes = Object.fromEntries(attributes.map((pair) => [pair.key, pair.value]))
  return request
}

/** isEmpty says whether nothing is known of a request. */
export function isEmpty(request: SampledRequest): boolean {
  return Object.keys(request).every((key) => key === 'Client')
}

/** parseAttributes reads k=v&k=v, with % for what has a meaning there. */
export function parseAttributes(text: string): Pair[] {
  return text === '' ? [] : text.split('&').map((part) => {
    const at = part.indexOf('=')
    return { key: decode(at < 0 ? part : part.slice(0, at)), value: at < 0 ? '' : decode(part.slice(at + 1)) }
  })
}

export function printAttributes(pairs: readonly Pair[]): string {
  return pairs.map((pair) => `${encodeURIComponent(pair.key)}=${encodeURIComponent(pair.value)}`).join('&')
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** splitURL takes a whole URL apart into what samplers look at; null if the text is none. The query is not looked at. */
export function splitURL(text: string): { host: string; path: string } | null {
  const match = /^\s*(?:[A-Z]+\s+)?https?:\/\/([^/?#\s]+)([^?#\s]*)/i.exec(text)
  if (!match) return null
  return { host: match[1]!.replace(/^[^@]*@/, '').replace(/:\d+$/, ''), path: match[2] || '/' }
}

/** obstacleText says in a few words why a rule does not match. */
export function obstacleText({ Member: member, Key: key, Pattern: pattern, Reason: reason, Value: value }: Obstacle): string {
  const label = labelOf(member, key)
  switch (reason) {
    case 'Differs':
      return `${label} ${value} is not ${pattern}`
    case 'Missing':
      return `${label} is not known, and has to be ${pattern}`
    case 'Ignored':
      return member === 'Version' ? `these clients ignore rules of version ${pattern}` : `these clients ignore rules with ${member === 'Attributes' ? 'attributes' : 'a resource'}`
  }
}

/** A rule while it is typed. */
export interface RuleDraft {
  name: string
  priority: string
  /** percent */
  rate: string
  reservoir: string
  service: string
  type: string
  host: string
  method: string
  path: string
  arn: string
  attributes: Pair[]
  boost: boolean
  /** percent */
  maxRate: string
  /** minutes */
  cooldown: string
}

export const newDraft: RuleDraft = { name: '', priority: '1000', rate: '5', reservoir: '1', service: '*', type: '*', host: '*', method: '*', path: '*', arn: '*', attributes: [], boost: false, maxRate: '100', cooldown: '10' }

export function draftOf(rule: SamplingRule): RuleDraft {
  return {
    name: rule.RuleName,
    priority: String(rule.Priority),
    rate: percentText(rule.FixedRate),
    reservoir: String(rule.ReservoirSize),
    service: rule.ServiceName,
    type: rule.ServiceType,
    host: rule.Host,
    method: rule.HTTPMethod,
    path: rule.URLPath,
    arn: rule.ResourceARN,
    attributes: Object.keys(rule.Attributes).sort().map((key) => ({ key, value: rule.Attributes[key]! })),
    boost: Boolean(rule.SamplingRateBoost),
    maxRate: rule.SamplingRateBoost ? percentText(rule.SamplingRateBoost.MaxRate) : newDraft.maxRate,
    cooldown: rule.SamplingRateBoost ? String(rule.SamplingRateBoost.CooldownWindowMinutes) : newDraft.cooldown,
  }
}

/** What the members of a rule are called in messages of the server, and which field of a draft each is. */
export const fieldMembers = {
  RuleName: 'name',
  Priority: 'priority',
  FixedRate: 'rate',
  ReservoirSize: 'reservoir',
  ServiceName: 'service',
  ServiceType: 'type',
  Host: 'host',
  HTTPMethod: 'method',
  URLPath: 'path',
  ResourceARN: 'arn',
  Attributes: 'attributes',
  MaxRate: 'maxRate',
  CooldownWindowMinutes: 'cooldown',
  SamplingRateBoost: 'boost',
  Tags: 'tags',
} as const

export type DraftProblems = Partial<Record<(typeof fieldMembers)[keyof typeof fieldMembers], string>>

const lengths = { service: 64, type: 64, host: 64, method: 10, path: 128, arn: 500 } as const

/** checkDraft says what is wrong with a draft, by field, as the server would. It has the last word. */
export function checkDraft(draft: RuleDraft, isDefault: boolean, others: readonly string[]): DraftProblems {
  const problems: DraftProblems = {}
  const whole = (text: string, least: number, most: number) => /^\d+$/.test(text.trim()) && Number(text) >= least && Number(text) <= most
  if (share(draft.rate) === null) problems.rate = 'A share from 0 to 100 percent.'
  if (!whole(draft.reservoir, 0, 2_147_483_647)) problems.reservoir = 'Whole traces a second, 0 or more.'
  if (isDefault) return problems
  if (draft.name === '') problems.name = 'A rule needs a name.'
  else if ([...draft.name].length > 32) problems.name = `It has ${[...draft.name].length} characters; the limit is 32.`
  else if (others.includes(draft.name)) problems.name = 'There is a rule of that name.'
  if (!whole(draft.priority, 1, 9999)) problems.priority = 'A whole number from 1 to 9,999.'
  for (const [field, most] of Object.entries(lengths) as [keyof typeof lengths, number][]) {
    const length = [...draft[field]].length
    if (length > most) problems[field] = `It has ${length} characters; the limit is ${most}.`
    else if (length === 0) problems[field] = '* is anything; an empty pattern matches nothing.'
  }
  if (draft.attributes.length > 5) problems.attributes = 'There are at most 5 attributes.'
  for (const { key, value } of draft.attributes) {
    if ([...key].length < 1 || [...key].length > 32 || [...value].length < 1 || [...value].length > 32) problems.attributes = 'A key and its pattern have 1 to 32 characters each.'
  }
  if (new Set(draft.attributes.map((pair) => pair.key)).size < draft.attributes.length) problems.attributes ??= 'A key is there twice.'
  if (draft.boost) {
    if (share(draft.maxRate) === null) problems.maxRate = 'A share from 0 to 100 percent.'
    if (!whole(draft.cooldown, 1, 2_147_483_647)) problems.cooldown = 'Whole minutes, at least 1.'
  }
  return problems
}

/** share reads a percentage as a share; null if it is none from 0 to 100. */
export function share(text: string): number | null {
  const percent = percentOf(text)
  return percent === null ? null : Number((percent / 100).toFixed(8))
}

/** ruleOf is what a draft without problems asks for. */
export function ruleOf(draft: RuleDraft): RuleRequest {
  return {
    RuleName: draft.name,
    Priority: Number(draft.priority),
    FixedRate: share(draft.rate) ?? 0,
    ReservoirSize: Number(draft.reservoir),
    ServiceName: draft.service,
    ServiceType: draft.type,
    Host: draft.host,
    HTTPMethod: draft.method,
    URLPath: draft.path,
    ResourceARN: draft.arn,
    Attributes: Object.fromEntries(draft.attributes.map((pair) => [pair.key, pair.value])),
    ...(draft.boost ? { SamplingRateBoost: { MaxRate: share(draft.maxRate) ?? 0, CooldownWindowMinutes: Number(draft.cooldown) } } : {}),
  }
}

/** warningsOf are what clients make of a rule that its author may not expect. */
export function warningsOf(draft: RuleDraft): string[] {
  const warnings: string[] = []
  if (draft.attributes.length > 0 || draft.arn !== '*') warnings.push(`X-Ray SDKs ignore rules with ${[draft.attributes.length > 0 && 'attributes', draft.arn !== '*' && 'a resource'].filter(Boolean).join(' or ')}; OpenTelemetry applies them.`)
  if ([draft.host, draft.path, draft.service, draft.type, draft.method].some((pattern) => /[A-Za-z]/.test(pattern) && /[*?]/.test(pattern))) warnings.push('Beside * and ?, letter case matters to OpenTelemetry for Java and ADOT for Python; to the others it never does.')
  if (/[?#]/.test(draft.path) && /\?.*=/.test(draft.path)) warnings.push('Samplers look at the path without its query; in a pattern ? is any one character.')
  if (draft.path !== '*' && !draft.path.startsWith('/') && !draft.path.startsWith('*')) warnings.push('A path begins with /.')
  return warnings
}
