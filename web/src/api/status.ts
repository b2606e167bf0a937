import { get } from './client'
import type { SamplingState } from './sampling'
import type { Seconds } from './xray'

/** Lists of the same length. Counts are those of the Seconds before Time. */
export interface History {
  ByteCount: number[]
  DocumentCount: number[]
  DroppedCount: number[]
  DroppedTraces: number[]
  MemoryBytes: number[]
  OpenCount: number[]
  RefusedCount: number[]
  Seconds: number[]
  SettledCount: number[]
  StoredBytes: number[]
  SupersededCount: number[]
  Time: Seconds[]
  TruncatedCount: number[]
}

export interface Storage {
  BlockBytes: number
  BlockCount: number
  CompactionCount: number
  DocumentCount: number
  DroppedCount: number
  ExpiredCount: number
  FailedCount: number
  LogBytes: number
  OldestTime: Seconds | null
  OpenByteCount: number
  OpenCount: number
  OpenDocuments: number
  RetentionSeconds: number
  SettleLagSeconds: number
  SettledCount: number
  TraceCount: number
}

export interface Operation {
  /** answered with 5xx */
  FailureCount: number
  /** nobody waited for the answer */
  GivenUpCount: number
  MaxSeconds: number
  Name: string
  /** answered with 4xx */
  RefusedCount: number
  RequestCount: number
  TotalSeconds: number
}

/** The server itself; docs/console-api.md. Counts begin with the process. */
export interface Status {
  Disk: { FreeBytes: number; TotalBytes: number } | null
  Doors: { ByteCount: number; DocumentCount: number; RefusedCount: number; Source: string }[]
  Groups: { Count: number; WithInsights: number; WithNotifications: number }
  History: History
  Insights: { ActiveCount: number; JudgedTime: Seconds | null }
  Keep: { DroppedCount: number; KeptCount: number }
  Losses: Record<string, number>
  /** of all tenants: told to the default one */
  Operations: Operation[]
  Process: { BodyBytes: number; Goroutines: number; HasCredentials: boolean; HeapBytes: number; MemoryBytes: number; MemoryLimit: number; ProcessorCount: number; RuntimeVersion: string } | null
  Sampling: SamplingState[]
  Senders: number
  StartTime: Seconds
  Storage: Storage | null
  Tenant: string
  Time: Seconds
  Version: string
}

export type Span = 'hour' | 'day'

export async function getStatus(span: Span, signal?: AbortSignal): Promise<Status> {
  return get<Status>(span === 'day' ? '/console/api/status?history=day' : '/console/api/status', signal)
}

export interface TelemetryRecord {
  BackendConnectionErrors?: Partial<Record<'ConnectionRefusedCount' | 'HTTPCode4XXCount' | 'HTTPCode5XXCount' | 'OtherCount' | 'TimeoutCount' | 'UnknownHostCount', number>> | null
  SegmentsReceivedCount?: number | null
  SegmentsRejectedCount?: number | null
  SegmentsSentCount?: number | null
  SegmentsSpilloverCount?: number | null
  Timestamp: Seconds
}

/** What is kept of a daemon's records, in order of time. */
export interface Sender {
  EC2InstanceId: string
  Hostname: string
  ResourceARN: string
  Records: TelemetryRecord[]
}

export async function getTelemetry(signal?: AbortSignal): Promise<Sender[]> {
  return (await get<{ Senders: Sender[] }>('/telemetry', signal)).Senders
}
