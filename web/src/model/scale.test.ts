import { expect, test } from 'vitest'
import { linear, log, logTicks, roundTicks } from './scale'

test.each([
  ['linear', linear(10, 60), [10, 22.5, 60]],
  ['log', log(0.001, 100), [0.001, 0.5, 100]],
])('%s scales come back', (_, scale, values) => {
  for (const value of values) expect(scale.value(scale.at(value))).toBeCloseTo(value)
  expect(scale.at(values[0]!)).toBeCloseTo(0)
  expect(scale.at(values.at(-1)!)).toBeCloseTo(1)
})

test('nothing is below the low end of a logarithmic scale', () => expect(log(0.001, 1).at(0)).toBeCloseTo(0))
test('a scale of one value is one', () => expect(linear(5, 5).at(5)).toBe(0))

test.each([
  [0, 10, 5, [0, 2, 4, 6, 8, 10]],
  [0, 0.03, 4, [0, 0.01, 0.02, 0.03]],
  [0, 0, 4, [0]],
  [95, 105, 3, [95, 100, 105]],
])('roundTicks(%d, %d, %d)', (low, high, most, want) => expect(roundTicks(low, high, most)).toEqual(want))

test.each([
  [0.001, 100, 6, [0.001, 0.01, 0.1, 1, 10, 100]],
  [0.01, 0.9, 6, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]],
])('logTicks(%d, %d, %d)', (low, high, most, want) => expect(logTicks(low, high, most)).toEqual(want))
