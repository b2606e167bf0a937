import { describe, expect, test } from 'vitest'
import { ago, parseRange, parseSpan, periodFor, printRange, printSpan, timeTicks, windowOf, type Range, localText, moment, toTheSecond, when, windowFrom } from './time'

test.each([
  ['5m', 300],
  ['1h', 3600],
  ['90s', 90],
  ['7d', 604_800],
  ['', null],
  ['0m', null],
  ['1w', null],
  ['5 m', null],
  ['9999d', null],
])('parseSpan(%j)', (text, want) => expect(parseSpan(text)).toBe(want))

test.each([60, 90, 3600, 5400, 86_400, 90_061])('spans come back: %d', (seconds) => expect(parseSpan(printSpan(seconds))).toBe(seconds))

describe('ranges in URLs', () => {
  test.each<Range>([
    { kind: 'last', seconds: 3600 },
    { kind: 'last', seconds: 300 },
    { kind: 'last', seconds: 61 },
    { kind: 'between', start: 1_700_000_000, end: 1_700_000_060 },
    { kind: 'between', start: 1_700_000_000.25, end: 1_700_000_000.5 },
  ])('come back: %j', (range) => expect(parseRange(printRange(range))).toEqual(range))

  test.each([
    {},
    { since: 'yesterday' },
    { from: '2026-01-05T10:00:00Z' },
    { from: '2026-01-05T10:00:00Z', to: '2026-01-05T09:00:00Z' },
    { from: 'a', to: 'b' },
  ])('that make no sense are the last hour: %j', (text) => expect(parseRange(text)).toEqual({ kind: 'last', seconds: 3600 }))

  test('absolute ones win', () =>
    expect(parseRange({ since: '5m', from: '2026-01-05T10:00:00Z', to: '2026-01-05T11:00:00Z' })).toEqual({ kind: 'between', start: 1_767_607_200, end: 1_767_610_800 }))
})

test('a relative window ends at the second that is coming', () => {
  expect(windowOf({ kind: 'last', seconds: 60 }, 100.2)).toEqual({ start: 41, end: 101 })
  expect(windowOf({ kind: 'between', start: 1, end: 2 }, 100)).toEqual({ start: 1, end: 2 })
})

test.each([
  [0, 'now'],
  [42, '42 s ago'],
  [120, '2 min ago'],
  [7200, '2 h ago'],
  [10 * 86_400, '10 days ago'],
  [-10, 'now'],
])('ago(%d)', (passed, want) => expect(ago(1000 - passed, 1000)).toBe(want))

test('periods', () => {
  expect(periodFor({ start: 0, end: 3600 })).toBe(60)
  expect(periodFor({ start: 0, end: 86_400 })).toBe(300)
})

test.each([
  [60, 6],
  [3600, 6],
  [86_400, 8],
  [30 * 86_400, 5],
])('ticks of %d seconds, at most %d', (span, most) => {
  const window = { start: 1_767_607_211, end: 1_767_607_211 + span }
  const ticks = timeTicks(window, most)
  expect(ticks.length).toBeGreaterThan(1)
  expect(ticks.length).toBeLessThanOrEqual(most + 1)
  for (const tick of ticks) {
    expect(tick).toBeGreaterThanOrEqual(window.start)
    expect(tick).toBeLessThan(window.end)
  }
})

test('fields for a time come back', () => {
  const window = { start: 1767607200, end: 1767607201.25 }
  expect(windowFrom(localText(window.start, 'millisecond'), localText(window.end, 'millisecond'))).toEqual(window)
  expect(windowFrom(localText(window.start, 'second'), localText(window.end + 0.9, 'second'))).toEqual({ start: window.start, end: 1767607202 })
  for (const [from, to] of [['', ''], ['x', '2026-01-05T10:00:00'], ['2026-01-05T10:00:00', '2026-01-05T10:00:00']] as const) expect(windowFrom(from, to)).toBeNull()
})

test('times of today have no day', () => {
  const start = 1767607200.125
  expect(when(start, new Date(start * 1000))).toMatch(/^\d\d:00:00\.125$/)
  expect(when(start, new Date((start + 40 * 86_400) * 1000))).toMatch(/^\w+ \d+, \d\d:00:00\.125$/)
  expect(moment(start)).toBe(`${toTheSecond(start)}.125`)
})
