import { describe, expect, test } from 'vitest'
import { checkKeep, forecastText, jsonProblem, limitText, moved, prettyJSON, sameRules } from './model'

describe('limitText', () => {
  test.each([
    [{ Unit: '', Value: 25 }, '25'],
    [{ Unit: '', Value: 50_000 }, '50,000'],
    [{ Unit: '', Value: null }, 'no bound'],
    [{ Unit: 'bytes', Value: 5120 }, '5 KiB'],
    [{ Unit: 'seconds', Value: 3 }, '3 s'],
    [{ Unit: 'seconds', Value: 30 * 86_400 }, '30 days'],
    [{ Unit: 'seconds', Value: 86_400 }, '24 h 0 min'],
    [{ Unit: 'a second', Value: 2600 }, '2.6k a second'],
  ] as const)('%o', (limit, want) => {
    expect(limitText(limit)).toBe(want)
  })
})

test('checkKeep', () => {
  expect(checkKeep('bad', '100', ['rest'])).toEqual({})
  expect(checkKeep('', '5', [])).toEqual({ Name: 'A rule needs a name.' })
  expect(checkKeep('a b', '101', [])).toEqual({ Name: 'Letters, digits, - _ and . only.', Rate: 'A share from 0 to 100 percent.' })
  expect(checkKeep('x'.repeat(65), '5', [])).toEqual({ Name: 'It has 65 characters; the limit is 64.' })
  expect(checkKeep('rest', '5', ['rest'])).toEqual({ Name: 'Another rule has that name.' })
})

test('rules are moved and compared', () => {
  const list = ['a', 'b', 'c']
  expect(moved(list, 0, 1)).toEqual(['b', 'a', 'c'])
  expect(moved(list, 2, 0)).toEqual(['c', 'a', 'b'])
  expect(moved(list, 0, 9)).toEqual(['b', 'c', 'a'])
  expect(list).toEqual(['a', 'b', 'c'])
  const rule = { Name: 'a', Filter: 'fault', Rate: 1 }
  expect(sameRules([rule], [{ ...rule }])).toBe(true)
  expect(sameRules([rule], [{ ...rule, Rate: 0.5 }])).toBe(false)
  expect(sameRules([rule], [])).toBe(false)
})

test('forecastText', () => {
  const of = (Traces: number, Kept: number, Complete = true) => forecastText({ Traces, Kept, Complete, Rules: [], Unmatched: 0 })
  expect(of(0, 0)).toBe('No trace is held of this time.')
  expect(of(20, 20)).toBe('All of 20 traces would be kept.')
  expect(of(10_000, 2500, false)).toBe('Of the newest 10,000 traces, 2,500 would be kept (25 %) and 7,500 dropped (75 %).')
})

test('documents', () => {
  expect(prettyJSON('{"a":1}')).toBe('{\n  "a": 1\n}')
  expect(prettyJSON('{a')).toBe('{a')
  expect(jsonProblem('{}')).toBeNull()
  expect(jsonProblem('{a')).toMatch(/JSON|property/)
})
