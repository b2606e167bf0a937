import { expect, test } from 'vitest'
import { addFigures, arcs, figuresOf, mean, noFigures, share, worst } from './outcome'

const figures = figuresOf({
  OkCount: 90,
  ErrorStatistics: { OtherCount: 5, ThrottleCount: 3, TotalCount: 8 },
  FaultStatistics: { OtherCount: 2, TotalCount: 2 },
  TotalCount: 100,
  TotalResponseTime: 50,
})

test('figures', () => {
  expect(figures).toEqual({ ok: 90, error: 5, throttle: 3, fault: 2, total: 100, time: 50 })
  expect(figuresOf(null)).toEqual(noFigures)
  expect(addFigures(figures, figures).throttle).toBe(6)
  expect(mean(figures)).toBe(0.5)
  expect(mean(noFigures)).toBeNull()
  expect(share(figures, 'fault')).toBe(0.02)
  expect(share(noFigures, 'fault')).toBe(0)
  expect(worst(figures)).toBe('fault')
  expect(worst({ ...figures, fault: 0 })).toBe('throttle')
  expect(worst(noFigures)).toBeNull()
})

test('a ring is whole, in order, and shows what is rare', () => {
  expect(arcs(noFigures)).toEqual([])
  expect(arcs({ ...noFigures, ok: 3, total: 3 })).toEqual([{ outcome: 'ok', from: 0, to: 1 }])
  const ring = arcs({ ...noFigures, ok: 999_999, fault: 1, total: 1_000_000 })
  expect(ring.map((arc) => arc.outcome)).toEqual(['ok', 'fault'])
  expect(ring[1]!.to - ring[1]!.from).toBeCloseTo(0.03)
  const all = arcs(figures)
  expect(all[0]!.from).toBe(0)
  expect(all.at(-1)!.to).toBe(1)
  for (let i = 1; i < all.length; i++) expect(all[i]!.from).toBeCloseTo(all[i - 1]!.to)
})
