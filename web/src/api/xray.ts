// The operations of the X-Ray API that the console asks, one function each. The
// shapes are the server's (package api); times are seconds since 1970.
import { post } from './client'

export type Seconds = number

export interface HistogramEntry {
  Count: number
  Value: Seconds
}

/** OkCount and the two totals add up to TotalCount. */
export interface Statistics {
  ErrorStatistics: { OtherCount: number; ThrottleCount: number; TotalCount: number }
  FaultStatistics: { OtherCount: number; TotalCount: number }
  OkCount: number
  TotalCount: number
  TotalResponseTime: Seconds
}

export interface Edge {
  Aliases: { Name: string; Names: string[]; Type: string }[]
  EdgeType?: string | null
  EndTime: Seconds | null
  ReferenceId: number
  ResponseTimeHistogram: HistogramEntry[]
  StartTime: Seconds | null
  SummaryStatistics: Statistics
}

/** A node of a graph. Client nodes have neither histograms nor statistics. */
export interface Service {
  AccountId: string | null
  DurationHistogram: HistogramEntry[] | null
  Edges: Edge[]
  EndTime: Seconds | null
  Name: string
  Names: string[]
  ReferenceId: number
  ResponseTimeHistogram: HistogramEntry[] | null
  Root: boolean | null
  StartTime: Seconds | null
  State: 'active' | 'unknown' | 'passive'
  SummaryStatistics: Statistics | null
  Type: string | null
}

export interface ServiceGraph {
  ContainsOldGroupVersions: boolean
  EndTime: Seconds | null
  NextToken: string | null
  Services: Service[]
  StartTime: Seconds | null
}

/** A window of time. The end is not in it. */
export interface Window {
  start: Seconds
  end: Seconds
}

export async function getServiceGraph(window: Window, group: string | undefined, signal?: AbortSignal): Promise<ServiceGraph> {
  const request = { StartTime: window.start, EndTime: window.end, ...(group ? { GroupName: group } : {}) }
  let page = await post<ServiceGraph>('/ServiceGraph', request, signal)
  const services = page.Services
  while (page.NextToken) {
    page = await post<ServiceGraph>('/ServiceGraph', { ...request, NextToken: page.NextToken }, signal)
    services.push(...page.Services)
  }
  return { ...page, Services: services }
}

/** The figures of one period, which ends at Timestamp. */
export interface Period {
  EdgeSummaryStatistics: Statistics | null
  ResponseTimeHistogram: HistogramEntry[] | null
  ServiceForecastStatistics: { FaultCountHigh: number | null; FaultCountLow: number | null } | null
  ServiceSummaryStatistics: Statistics | null
  Timestamp: Seconds
}

interface TimeSeriesPage {
  NextToken: string | null
  TimeSeriesServiceStatistics: Period[]
}

export interface TimeSeriesQuestion {
  window: Window
  /** seconds: 60 or 300 */
  period: 60 | 300
  /** service(…) or edge(…); without one, all requests of clients */
  selector?: string | undefined
  group?: string | undefined
  forecast?: boolean
}

/** getTimeSeries lists the periods in which something was received, oldest first. */
export async function getTimeSeries(question: TimeSeriesQuestion, signal?: AbortSignal): Promise<Period[]> {
  const request = {
    StartTime: question.window.start,
    EndTime: question.window.end,
    Period: question.period,
    ...(question.selector ? { EntitySelectorExpression: question.selector } : {}),
    ...(question.group ? { GroupName: question.group } : {}),
    ...(question.forecast ? { ForecastStatistics: true } : {}),
  }
  const periods: Period[] = []
  let token: string | null = null
  do {
    const page: TimeSeriesPage = await post('/TimeSeriesServiceStatistics', token ? { ...request, NextToken: token } : request, signal)
    periods.push(...page.TimeSeriesServiceStatistics)
    token = page.NextToken
  } while (token)
  return periods.sort((a, b) => a.Timestamp - b.Timestamp)
}

export interface Group {
  FilterExpression: string | null
  GroupARN: string
  GroupName: string
  InsightsConfiguration: { InsightsEnabled: boolean; NotificationsEnabled: boolean }
}

export async function getGroups(signal?: AbortSignal): Promise<Group[]> {
  return (await post<{ Groups: Group[] }>('/Groups', {}, signal)).Groups
}

export interface ServiceId {
  AccountId: string | null
  Name: string
  Names: string[]
  Type: string | null
}

export interface AnnotationValue {
  BooleanValue: boolean | null
  NumberValue: number | null
  StringValue: string | null
}

export interface TraceSummary {
  Annotations: Record<string, { AnnotationValue: AnnotationValue; ServiceIds: ServiceId[] }[]>
  Duration: Seconds | null
  EntryPoint: ServiceId | null
  HasError: boolean
  HasFault: boolean
  HasThrottle: boolean
  Http: { ClientIp: string | null; HttpMethod: string | null; HttpStatus: number | null; HttpURL: string | null; UserAgent: string | null }
  Id: string
  IsPartial: boolean
  ResponseTime: Seconds | null
  Revision: number
  ServiceIds: ServiceId[]
  StartTime: Seconds
  Users: { ServiceIds: ServiceId[]; UserName: string }[]
}

export interface TraceSummaries {
  ApproximateTime: Seconds
  NextToken: string | null
  TraceSummaries: TraceSummary[]
  TracesProcessedCount: number
}

export interface SummariesQuestion {
  window: Window
  filter?: string | undefined
  token?: string | undefined
}

/** getTraceSummaries reads one page, newest first. */
export async function getTraceSummaries(question: SummariesQuestion, signal?: AbortSignal): Promise<TraceSummaries> {
  return post<TraceSummaries>(
    '/TraceSummaries',
    {
      StartTime: question.window.start,
      EndTime: question.window.end,
      ...(question.filter ? { FilterExpression: question.filter } : {}),
      ...(question.token ? { NextToken: question.token } : {}),
    },
    signal,
  )
}

/** putTraceSegments sends documents; the answer lists those that were refused. */
export async function putTraceSegments(documents: object[]): Promise<{ UnprocessedTraceSegments: { ErrorCode: string; Id: string | null; Message: string }[] }> {
  return post('/TraceSegments', { TraceSegmentDocuments: documents.map((document) => JSON.stringify(document)) })
}
