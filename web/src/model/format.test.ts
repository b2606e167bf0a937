import { describe, expect, test } from 'vitest'
import { bytes, count, duration, lasting, listed, milliseconds, percent, percentOf, percentText, plural, rate, short } from './format'

test.each([
  [0, '0'],
  [7, '7'],
  [0.25, '0.25'],
  [12.34, '12.3'],
  [999, '999'],
  [999.9, '1k'],
  [1234, '1.23k'],
  [123_456, '123k'],
  [1e6, '1M'],
  [2.5e9, '2.5G'],
])('short(%d)', (n, want) => expect(short(n)).toBe(want))

test.each([
  [null, '–'],
  [0, '0 ms'],
  [0.000_25, '250 µs'],
  [0.001, '1 ms'],
  [0.0123, '12.3 ms'],
  [0.25, '250 ms'],
  [1, '1 s'],
  [1.25, '1.25 s'],
  [59.96, '60 s'],
  [125, '2 min 5 s'],
  [3600, '60 min 0 s'],
  [7260, '2 h 1 min'],
])('duration(%j)', (seconds, want) => expect(duration(seconds)).toBe(want))

test.each([
  [0, '0 %'],
  [0.0001, '< 0.1 %'],
  [0.005, '0.5 %'],
  [0.0312, '3.1 %'],
  [0.5, '50 %'],
  [0.995, '99.5 %'],
  [0.9999, '> 99.9 %'],
  [1, '100 %'],
  [NaN, '–'],
])('percent(%d)', (share, want) => expect(percent(share)).toBe(want))

test('the rest', () => {
  expect(count(1234567)).toBe('1,234,567')
  expect(rate(30, 60)).toBe('30/min')
  expect(rate(60_000, 60)).toBe('1k/s')
  expect(rate(1, 0)).toBe('–')
  expect(bytes(512)).toBe('512 B')
  expect(bytes(1536)).toBe('1.5 KiB')
  expect(bytes(3 * 1024 ** 3)).toBe('3 GiB')
  expect(plural(1, 'trace')).toBe('1 trace')
  expect(plural(2000, 'entry', 'entries')).toBe('2,000 entries')
})

describe('percentOf', () => {
  test.each([
    ['5', 5],
    ['0', 0],
    ['100', 100],
    ['0.1 %', 0.1],
    ['2,5', 2.5],
    ['.5', 0.5],
    ['100.1', null],
    ['-1', null],
    ['', null],
    ['1e1', null],
    ['five', null],
  ])('%s', (text, want) => {
    expect(percentOf(text)).toBe(want)
  })

  test('reads what percentText writes', () => {
    for (const share of [0, 0.001, 0.05, 0.07, 0.29, 1 / 3, 1]) expect(percentOf(percentText(share))! / 100).toBeCloseTo(share, 7)
    expect(percentText(0.07)).toBe('7')
  })
})

test.each([
  [172_800, '2 days'],
  [30 * 86_400, '30 days'],
  [86_400, '24 h 0 min'],
  [90, '90 s'],
])('lasting(%d)', (seconds, want) => expect(lasting(seconds)).toBe(want))

test.each([
  [0.0005, '0.5'],
  [1.2345678, '1234.568'],
  [0, '0'],
])('milliseconds(%d)', (seconds, want) => expect(milliseconds(seconds)).toBe(want))

test.each([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b'], 'a or b'],
  [['a', 'b', 'c'], 'a, b or c'],
])('listed(%j)', (words, want) => expect(listed(words, 'or')).toBe(want))
