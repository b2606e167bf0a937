import { expect, test } from 'vitest'
import { brushOf, narrowed, noBrush, printBrush, rounded } from './brush'

test('selections', () => {
  const brush = { at: { start: 1767607200, end: 1767607201.25 }, took: { low: 0.5, high: 2 } }
  expect(brushOf(printBrush(brush))).toEqual(brush)
  expect(printBrush(noBrush)).toEqual({})
  for (const bad of [{}, { at: 'a~b', took: 'x~1' }, { at: '2026-01-05T10:00:00Z', took: '~1' }, { at: '2026-01-05T10:00:00Z~2026-01-05T10:00:00Z', took: '2~1' }, { took: '0~Infinity' }, { took: '-1~1' }]) {
    expect(brushOf(bad)).toEqual(noBrush)
  }
})

test('narrowed', () => {
  const window = { start: 100, end: 200 }
  expect(narrowed(window, null)).toBe(window)
  expect(narrowed(window, { start: 50, end: 150 })).toEqual({ start: 100, end: 150 })
  expect(narrowed(window, { start: 200, end: 300 })).toBeNull()
})

test.each([
  [0, 0, 0],
  [0.0123456, 0.0123, 0.0124],
  [1.5, 1.5, 1.5],
  [1234.5, 1230, 1240],
  [0.001, 0.001, 0.001],
])('rounded(%d)', (seconds, down, up) => {
  expect(rounded(seconds, 'down')).toBe(down)
  expect(rounded(seconds, 'up')).toBe(up)
})
