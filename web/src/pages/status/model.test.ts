import { describe, expect, test } from 'vitest'
import type { History } from '../../api/status'
import { latestRate, lossesOf, meanSeconds, pointsOf, senderFigures, windowOf } from './model'

function history(seconds: number[], documents: number[]): History {
  const none = seconds.map(() => 0)
  let at = 1000
  return {
    ByteCount: none, DocumentCount: documents, DroppedCount: none, DroppedTraces: none, MemoryBytes: none, OpenCount: none, RefusedCount: none,
    Seconds: seconds, SettledCount: none, StoredBytes: none, SupersededCount: none, Time: seconds.map((passed) => (at += passed)), TruncatedCount: none,
  }
}

describe('pointsOf', () => {
  test('makes rates of counts', () => {
    expect(pointsOf(history([10, 10, 5], [100, 0, 10]))).toMatchObject({ times: [1010, 1020, 1025], documents: [10, 0, 2] })
  })
  test('takes the rate before for a time that is too short', () => {
    expect(pointsOf(history([10, 0.1], [100, 9])).documents).toEqual([10, 10])
    expect(pointsOf(history([0.1, 10], [9, 100])).documents).toEqual([null, 10])
  })
})

test('latestRate', () => {
  const of = history([10, 10, 10, 10, 10, 10, 10, 5], [1000, 0, 0, 0, 0, 0, 60, 5])
  expect(latestRate(of, of.DocumentCount)).toBe(1) // 65 in 65 seconds
  expect(latestRate(of, of.DocumentCount, 5)).toBe(1)
  expect(latestRate(history([], []), [])).toBeNull()
})

test('windowOf', () => {
  expect(windowOf('hour', 10_000, 0)).toEqual({ start: 6400, end: 10_000 })
  expect(windowOf('day', 100_000, 0)).toEqual({ start: 13_600, end: 100_000 })
  expect(windowOf('day', 100_000, 95_000)).toEqual({ start: 95_000, end: 100_000 })
  expect(windowOf('hour', 100_000, 99_990)).toEqual({ start: 99_400, end: 100_000 })
})

test('lossesOf', () => {
  const loss = (Reason: string) => ({ Code: '', Count: 1, Detail: '', Id: '', Reason, Source: '', Time: 0, Trace: '' })
  const recent = [loss('refused'), loss('expired')]
  expect(lossesOf(recent, undefined)).toBe(recent)
  expect(lossesOf(recent, 'expired')).toEqual([recent[1]])
})

test('figures', () => {
  const operation = { FailureCount: 0, GivenUpCount: 0, MaxSeconds: 2, Name: 'GetGroups', RefusedCount: 0, RequestCount: 4, TotalSeconds: 3 }
  expect(meanSeconds(operation)).toBe(0.75)
  expect(meanSeconds({ ...operation, RequestCount: 0 })).toBe(0)
  expect(
    senderFigures({
      Hostname: 'web-1', EC2InstanceId: '', ResourceARN: 'arn:1',
      Records: [
        { Timestamp: 1, SegmentsReceivedCount: 5, SegmentsSentCount: 3, SegmentsSpilloverCount: 1, SegmentsRejectedCount: null, BackendConnectionErrors: { TimeoutCount: 2, OtherCount: 1 } },
        { Timestamp: 2, SegmentsReceivedCount: 5, SegmentsRejectedCount: 1 },
      ],
    }),
  ).toEqual({ name: 'web-1 · arn:1', last: 2, received: 10, sent: 3, lost: 2, failures: 3 })
  expect(senderFigures({ Hostname: '', EC2InstanceId: '', ResourceARN: '', Records: [] })).toMatchObject({ name: 'a daemon without a name', last: 0 })
})
