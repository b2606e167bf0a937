import { expect, test } from 'vitest'
import { nearest, pathOf } from './Lines'

test('nearest', () => {
  const times = [10, 20, 30]
  expect([0, 14, 16, 25.1, 99].map((moment) => nearest(times, moment))).toEqual([0, 0, 1, 2, 2])
  expect(nearest([], 1)).toBeNull()
})

test('pathOf leaves gaps', () => {
  const same = (value: number) => value
  expect(pathOf([0, 1, 2, 3], [5, null, 6, 7], same, same)).toBe('M0.0 5.0M2.0 6.0L3.0 7.0')
})
