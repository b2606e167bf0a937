import { expect, test } from 'vitest'
import { barsOf, countBetween, countOf, mergeHistograms, percentile, type Bar } from './histogram'

const entries = (values: [number, number][]) => values.map(([Value, Count]) => ({ Value, Count }))

const sum = (bars: readonly Bar[], set = 0) => bars.reduce((all, bar) => all + bar.counts[set]!, 0)

test('percentiles', () => {
  const some = entries([
    [0.01, 50],
    [0.02, 40],
    [0.5, 10],
  ])
  expect(percentile(some, 0.5)).toBe(0.01)
  expect(percentile(some, 0.51)).toBe(0.02)
  expect(percentile(some, 0.9)).toBe(0.02)
  expect(percentile(some, 0.99)).toBe(0.5)
  expect(percentile(some, 0)).toBe(0.01)
  expect(percentile(some, 1)).toBe(0.5)
  expect(percentile([], 0.5)).toBeNull()
  expect(countOf(some)).toBe(100)
  expect(countBetween(some, 0.02, 0.5)).toBe(40)
})

test.each([
  ['one value', entries([[0.25, 7]])],
  ['milliseconds', entries([[0, 1], [0.001, 2], [0.002, 3], [0.007, 4]])],
  ['a wide spread', entries([[0.001, 5], [0.0525, 3], [0.9, 8], [1, 1], [45.2, 2], [600, 1]])],
  ['zero and an hour', entries([[0, 5], [3600, 1]])],
  ['edges of steps', entries(Array.from({ length: 100 }, (_, i) => [i / 100, 1]))],
])('bars of %s hold every request once, side by side', (_, some) => {
  for (const most of [5, 20, 60]) {
    const { bars } = barsOf([some], most)
    expect(sum(bars)).toBe(countOf(some))
    expect(bars.length).toBeLessThanOrEqual(most + 2)
    for (const [i, bar] of bars.entries()) {
      expect(bar.high).toBeGreaterThan(bar.low)
      if (i > 0) expect(bar.low).toBe(bars[i - 1]!.high)
      expect(bar.counts).toEqual([some.reduce((sum, entry) => (entry.Value >= bar.low && entry.Value < bar.high ? sum + entry.Count : sum), 0)])
    }
  }
})

test('the axis follows from the spread', () => {
  expect(barsOf([entries([[0.01, 1], [0.5, 1]])], 40).scale).toBe('linear')
  expect(barsOf([entries([[0.01, 1], [5, 1]])], 40).scale).toBe('log')
  expect(barsOf([], 40).bars).toEqual([])
  expect(barsOf([[], []], 40).bars).toEqual([])
})

test('zooming leaves out what is outside', () => {
  const { bars } = barsOf([entries([[0.01, 1], [0.2, 2], [0.3, 4], [9, 8]])], 40, { low: 0.1, high: 0.4 })
  expect(sum(bars)).toBe(6)
})

test('merging adds up', () => {
  expect(mergeHistograms(entries([[0.01, 1], [0.02, 2]]), entries([[0.02, 3], [0.03, 4]]))).toEqual(entries([[0.01, 1], [0.02, 5], [0.03, 4]]))
})

test('two sets have the same bars, with all that they have', () => {
  const a = entries([[0.01, 2], [0.05, 4], [0.4, 2]])
  const b = entries([[0.02, 5], [3, 5]])
  for (const most of [8, 20, 60]) {
    const { bars, scale } = barsOf([a, b], most)
    expect(scale).toBe('log')
    expect([sum(bars, 0), sum(bars, 1)]).toEqual([8, 10])
    for (const bar of bars) expect(bar.counts[0]).toBe(countBetween(a, bar.low - 1e-9, bar.high - 1e-9))
  }
})
