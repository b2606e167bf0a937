import type { History, Operation, Sender, Span, TelemetryRecord } from '../../api/status'
import type { Losses } from '../../api/losses'
import type { Seconds, Window } from '../../api/xray'

/** What a history has to draw: points in order of time. */
export interface Points {
  times: Seconds[]
  documents: (number | null)[]
  bytes: (number | null)[]
  settled: (number | null)[]
  dropped: (number | null)[]
  open: number[]
  stored: number[]
  memory: number[]
  /** documents, of each reason, in the time of a point */
  lost: { refused: number[]; dropped: number[]; truncated: number[] }
}

const hour = 3600
const day = 86_400

/** A chart shows at least so much time, in seconds. */
const shortest = 600

/** windowOf is what the charts show: the hour, or day, before the answer, as far as the server has run. */
export function windowOf(span: Span, now: Seconds, started: Seconds): Window {
  return { start: Math.max(now - (span === 'day' ? day : hour), Math.min(started, now - shortest)), end: now }
}

/** The last point may be of a moment ago: rates of so little say nothing. */
const leastSeconds = 2

/**
 * pointsOf makes rates of counts. The first point of a server that just began, and
 * the last, are of shorter times than the others; one of almost no time takes the
 * rate of the point before.
 */
export function pointsOf(history: History): Points {
  const rate = (counts: readonly number[]) => {
    const rates: (number | null)[] = []
    counts.forEach((count, i) => {
      const seconds = history.Seconds[i]!
      rates.push(seconds >= leastSeconds ? count / seconds : (rates[i - 1] ?? null))
    })
    return rates
  }
  return {
    times: history.Time,
    documents: rate(history.DocumentCount),
    bytes: rate(history.ByteCount),
    settled: rate(history.SettledCount),
    dropped: rate(history.DroppedTraces),
    open: history.OpenCount,
    stored: history.StoredBytes,
    memory: history.MemoryBytes,
    lost: { refused: history.RefusedCount, dropped: history.DroppedCount, truncated: history.TruncatedCount },
  }
}

/** latestRate is the rate over the last minute or so; null if there is no history yet. */
export function latestRate(history: History, counts: readonly number[], over: Seconds = 60): number | null {
  let seconds = 0
  let sum = 0
  for (let i = history.Seconds.length - 1; i >= 0 && seconds < over; i--) {
    seconds += history.Seconds[i]!
    sum += counts[i]!
  }
  return seconds > 0 ? sum / seconds : null
}

/** What each reason of a loss means. */
export const reasons: Readonly<Record<string, { name: string; means: string; grave: boolean }>> = {
  refused: { name: 'Refused', means: 'documents that are not valid; the sender was told which and why', grave: true },
  dropped: { name: 'Dropped', means: 'datagrams without a good header, or with no room left for them', grave: true },
  truncated: { name: 'Truncated', means: 'parts of a document left out or shortened; its text is kept whole', grave: false },
  superseded: { name: 'Superseded', means: 'documents that were sent again, or replaced by a complete one', grave: false },
  expired: { name: 'Expired', means: 'documents older than the retention', grave: false },
}

export type Loss = Losses['Recent'][number]

/** lossesOf are the cases of a reason, or all. */
export function lossesOf(recent: readonly Loss[], reason: string | undefined): readonly Loss[] {
  return reason ? recent.filter((loss) => loss.Reason === reason) : recent
}

/** meanSeconds is how long the requests for an operation took on average. */
export function meanSeconds(operation: Operation): Seconds {
  return operation.RequestCount > 0 ? operation.TotalSeconds / operation.RequestCount : 0
}

/** What a daemon reported, added up. */
export interface SenderFigures {
  name: string
  last: Seconds
  received: number
  sent: number
  lost: number
  failures: number
}

/** senderFigures adds up the records that are kept of a daemon. */
export function senderFigures(sender: Sender): SenderFigures {
  const sum = (of: (record: TelemetryRecord) => number | null | undefined) => sender.Records.reduce((all, record) => all + (of(record) ?? 0), 0)
  return {
    name: [sender.Hostname, sender.EC2InstanceId, sender.ResourceARN].filter(Boolean).join(' · ') || 'a daemon without a name',
    last: sender.Records.at(-1)?.Timestamp ?? 0,
    received: sum((record) => record.SegmentsReceivedCount),
    sent: sum((record) => record.SegmentsSentCount),
    lost: sum((record) => (record.SegmentsSpilloverCount ?? 0) + (record.SegmentsRejectedCount ?? 0)),
    failures: sum((record) => Object.values(record.BackendConnectionErrors ?? {}).reduce((all, n) => all + (n ?? 0), 0)),
  }
}
