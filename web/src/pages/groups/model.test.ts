import { describe, expect, test } from 'vitest'
import type { Group, Period, Statistics } from '../../api/xray'
import { found, groupFigures, nameProblem } from './model'

const group = (GroupName: string, FilterExpression: string | null): Group => ({ FilterExpression, GroupARN: `arn:${GroupName}`, GroupName, InsightsConfiguration: { InsightsEnabled: false, NotificationsEnabled: false } })
const groups = [group('Default', null), group('slow', 'responsetime > 1'), group('shop', 'service("Shop")')]

test('found looks in names and filters', () => {
  expect(found(groups, '').map((one) => one.GroupName)).toEqual(['Default', 'slow', 'shop'])
  expect(found(groups, ' SHOP ').map((one) => one.GroupName)).toEqual(['shop'])
  expect(found(groups, 'response').map((one) => one.GroupName)).toEqual(['slow'])
  expect(found(groups, 'nothing')).toEqual([])
})

describe('nameProblem', () => {
  test.each([
    ['new-group_2', null],
    ['', 'A group needs a name.'],
    ['a b', 'Letters, digits, - and _ only.'],
    ['größe', 'Letters, digits, - and _ only.'],
    ['x'.repeat(32), null],
    ['x'.repeat(33), 'It has 33 characters; the limit is 32.'],
    ['slow', 'There is a group of that name.'],
    ['Default', 'There is a group of that name.'],
  ])('%s', (name, want) => {
    expect(nameProblem(name, groups)).toBe(want)
  })
})

test('groupFigures adds up', () => {
  const statistics = (ok: number, fault: number): Statistics => ({
    ErrorStatistics: { OtherCount: 0, ThrottleCount: 0, TotalCount: 0 },
    FaultStatistics: { OtherCount: fault, TotalCount: fault },
    OkCount: ok,
    TotalCount: ok + fault,
    TotalResponseTime: 1,
  })
  const period = (Timestamp: number, edge: Statistics | null, service: Statistics | null, value: number): Period => ({
    EdgeSummaryStatistics: edge,
    ResponseTimeHistogram: [{ Count: 2, Value: value }],
    ServiceForecastStatistics: null,
    ServiceSummaryStatistics: service,
    Timestamp,
  })
  const got = groupFigures([period(120, statistics(3, 1), null, 0.5), period(180, null, statistics(2, 0), 0.1)], 60, true)
  expect(got.figures).toEqual({ ok: 5, error: 0, throttle: 0, fault: 1, total: 6, time: 2 })
  expect(got.response).toEqual([{ Count: 2, Value: 0.1 }, { Count: 2, Value: 0.5 }])
  expect(got.buckets.map((bucket) => [bucket.start, bucket.figures.total])).toEqual([[60, 4], [120, 2]])
  expect(got.old).toBe(true)
  expect(groupFigures([], 60, false)).toEqual({ figures: { ok: 0, error: 0, throttle: 0, fault: 0, total: 0, time: 0 }, response: [], buckets: [], old: false })
})
