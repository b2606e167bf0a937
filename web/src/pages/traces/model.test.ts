import { describe, expect, test } from 'vitest'
import type { AnalysisAttribute } from '../../api/analysis'
import { printSearch, parseSearch } from '../../app/search'
import { attributesOf, awsCommand, columnsOf, facetOf, printAttributes, printColumns, searched, tomoCommand, unique, urlParts, usualAttributes, usualColumns, type Row } from './model'
import { tracesSearch } from './search'

describe('the URL', () => {
  test('a whole one comes back', () => {
    const search = { filter: 'user = "a&b"', sort: 'slowest', cols: 'time,id', by: 'user,annotation[a,b]', more: 'user', time: 'response', at: '2026-01-05T10:00:00Z~2026-01-05T10:00:01.250Z', took: '0.5~2', charts: 'off', live: 'on' }
    expect(tracesSearch(parseSearch(printSearch(search)))).toEqual(search)
  })
  test('what makes no sense is left out', () => expect(tracesSearch({ sort: 'best', live: 'yes', charts: '', time: 'root', filter: '' })).toEqual({}))

  test('columns', () => {
    expect(columnsOf(undefined)).toEqual(usualColumns)
    expect(columnsOf('id,time,nonsense')).toEqual(['time', 'id'])
    expect(columnsOf('nonsense')).toEqual(usualColumns)
    expect(printColumns(usualColumns)).toBeUndefined()
    expect(printColumns(['id', 'time'])).toBe('time,id')
  })

  test('attributes', () => {
    expect(attributesOf(undefined)).toEqual(usualAttributes)
    expect(attributesOf('none')).toBeNull()
    expect(attributesOf('user,annotation[a,b],nonsense,user')).toEqual(['user', 'annotation[a,b]'])
    expect(attributesOf('nonsense')).toEqual(usualAttributes)
    expect(attributesOf(Array.from({ length: 20 }, (_, i) => `annotation[k${i}]`).join(','))).toHaveLength(16)
    expect(printAttributes(usualAttributes)).toBeUndefined()
    expect(printAttributes(['user'])).toBe('user')
  })
})

test('searched', () => {
  const window = { start: 100, end: 200 }
  expect(searched(window, 150, false)).toEqual({ share: 0.5, back: 150 })
  expect(searched(window, 150, true)).toEqual({ share: 1, back: 100 })
  expect(searched(window, 50, false)).toEqual({ share: 1, back: 100 })
})

test('unique', () => {
  const row = (id: string) => ({ id }) as Row
  expect(unique([row('a'), row('b'), row('a')]).map((one) => one.id)).toEqual(['a', 'b'])
})

test.each([
  ['https://shop.example:8443/a/b?c=d#e', 'shop.example:8443', '/a/b?c=d#e'],
  ['http://shop.example', 'shop.example', '/'],
  ['/a/b', '', '/a/b'],
  ['', '', ''],
])('urlParts(%s)', (url, host, path) => expect(urlParts(url)).toEqual({ host, path }))

describe('commands', () => {
  const question = { origin: 'http://127.0.0.1:2000', range: { kind: 'last', seconds: 7 * 86_400 } as const, window: { start: 1000, end: 2000.5 }, filter: '', live: false }
  test('tomo', () => {
    expect(tomoCommand(question)).toBe('tomo traces --since 7d')
    expect(tomoCommand({ ...question, range: { kind: 'last', seconds: 5400 } })).toBe('tomo traces --since 90m')
    expect(tomoCommand({ ...question, origin: 'https://tomo.example', range: { kind: 'between', start: 0, end: 60.5 }, filter: `user = "it's"` })).toBe(`tomo traces --endpoint https://tomo.example --from 1970-01-01T00:00:00Z --to 1970-01-01T00:01:00.500Z --filter 'user = "it'\\''s"'`)
    expect(tomoCommand({ ...question, live: true, filter: 'fault' })).toBe('tomo tail --filter fault')
  })
  test('aws', () => expect(awsCommand({ ...question, filter: '!ok' })).toBe("aws xray get-trace-summaries --endpoint-url http://127.0.0.1:2000 --start-time 1000 --end-time 2000.5 --filter-expression '!ok'"))
})

test('a facet says what it leaves out', () => {
  const counts = (n: number) => ({ ErrorCount: 0, FaultCount: n, OkCount: 0, RootlessCount: 0, ThrottleCount: 0, TotalCount: n, P50: 0.1, P95: 0.2, Share: n / 100 })
  const attribute: AnalysisAttribute = {
    Complete: true,
    Eligible: null,
    Examined: null,
    Name: 'user',
    Sets: [{ DistinctCount: 10, LeftCount: 7, LeftValueCount: 20, ValueCount: 90, WithCount: 80 }],
    Values: [
      { FilterExpression: 'user = "a"', Value: 'a', Sets: [counts(50)] },
      { FilterExpression: 'user = ""', Value: '', Sets: [counts(15)] },
      { FilterExpression: 'user = "c"', Value: 'c', Sets: [counts(5)] },
    ],
  }
  const facet = facetOf(attribute, 100, 2)
  expect(facet).toMatchObject({ left: 8, leftTimes: 25, absent: 20, examined: null, estimated: false })
  expect(facet.values.map((value) => [value.text, value.condition, value.figures.total, value.share])).toEqual([
    ['a', 'user = "a"', 50, 0.5],
    ['(empty)', 'user = ""', 15, 0.15],
  ])
  expect(facetOf({ ...attribute, Eligible: 50, Examined: 40, Complete: false }, 100, 2)).toMatchObject({ examined: { of: 50, n: 40 }, absent: 0, estimated: true })
})
