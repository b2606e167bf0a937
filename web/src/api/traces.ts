import { post } from './client'
import type { Seconds, Service } from './xray'

/** A trace as BatchGetTraces answers it. */
export interface TraceDocuments {
  Duration: Seconds | null
  Id: string
  LimitExceeded: boolean
  /** Document is the JSON of a segment. */
  Segments: { Document: string; Id: string }[]
}

/** getTraces reads whole traces, five at the most. Those that are not known are left out. */
export async function getTraces(ids: readonly string[], signal?: AbortSignal): Promise<TraceDocuments[]> {
  return (await post<{ Traces: TraceDocuments[] }>('/Traces', { TraceIds: ids }, signal)).Traces
}

/** getTraceGraph reads the graph of one trace. */
export async function getTraceGraph(id: string, signal?: AbortSignal): Promise<Service[]> {
  return (await post<{ Services: Service[] }>('/TraceGraph', { TraceIds: [id] }, signal)).Services
}

/**
 * The document of a segment or a subsegment. The server vouches for the types of what is named here; what is
 * inside of http, aws and the like is as the client sent it.
 */
export interface Entity {
  id?: string
  name?: string
  start_time?: Seconds
  end_time?: Seconds
  in_progress?: boolean
  parent_id?: string
  inferred?: boolean
  fault?: boolean
  error?: boolean
  throttle?: boolean
  namespace?: string
  origin?: string
  user?: string
  resource_arn?: string
  http?: unknown
  aws?: unknown
  sql?: unknown
  service?: unknown
  annotations?: unknown
  metadata?: unknown
  cause?: unknown
  links?: unknown
  subsegments?: Entity[]
}
