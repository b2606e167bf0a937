import { describe, expect, test } from 'vitest'
import type { AnalysisAttribute } from '../../api/analysis'
import { printSearch, parseSearch } from '../../app/search'
import { attributesOf, awsCommand, brushOf, columnsOf, conjuncts, facetOf, narrowed, not, printAttributes, printBrush, printColumns, rounded, searched, shell, toggle, tomoCommand, traceId, unique, urlParts, usualAttributes, usualColumns, withoutLast, withTimes, type Row } from './model'
import { tracesSearch } from './search'

describe('conditions', () => {
  test.each<[string, string[]]>([
    ['', []],
    ['fault', ['fault']],
    ['fault AND user = "a and b"', ['fault', 'user = "a and b"']],
    ['service("x") { ok AND fault } and !(error AND ok)', ['service("x") { ok AND fault }', '!(error AND ok)']],
    ['ok OR fault AND error', ['ok OR fault AND error']],
    ['(ok OR fault) AND error', ['(ok OR fault)', 'error']],
    ['user = "a \\" AND b"', ['user = "a \\" AND b"']],
    ['candy = 1', ['candy = 1']],
  ])('conjuncts(%s)', (expression, want) => expect(conjuncts(expression)).toEqual(want))

  test.each([
    ['', 'fault', 'fault'],
    ['fault', 'fault', ''],
    ['ok AND fault', 'fault', 'ok'],
    ['ok OR error', 'fault', '(ok OR error) AND fault'],
    ['user = "a"', 'ok OR error', 'user = "a" AND (ok OR error)'],
    [`ok AND ${not('fault')}`, 'fault', 'ok AND fault'],
    ['ok AND fault', not('fault'), `ok AND ${not('fault')}`],
    ['error OR ok', not('fault'), `(error OR ok) AND ${not('fault')}`],
  ])('toggle(%s, %s)', (expression, condition, want) => expect(toggle(expression, condition)).toBe(want))

  test.each([
    ['', 'duration >= 0.5 AND duration <= 2'],
    ['fault', 'fault AND duration >= 0.5 AND duration <= 2'],
    ['duration > 1 AND fault AND duration <= 7.5', 'fault AND duration >= 0.5 AND duration <= 2'],
    ['ok OR fault', '(ok OR fault) AND duration >= 0.5 AND duration <= 2'],
    ['responsetime > 1', 'responsetime > 1 AND duration >= 0.5 AND duration <= 2'],
  ])('withTimes(%s)', (expression, want) => expect(withTimes(expression, 'duration', { low: 0.5, high: 2 })).toBe(want))

  test('withoutLast', () => {
    expect(withoutLast('fault AND user = "a"')).toEqual({ rest: 'fault', last: 'user = "a"' })
    expect(withoutLast('fault')).toBeNull()
    expect(withoutLast('')).toBeNull()
  })
})

describe('the URL', () => {
  test('a whole one comes back', () => {
    const search = { filter: 'user = "a&b"', sort: 'slowest', cols: 'time,id', by: 'user,annotation[a,b]', more: 'user', time: 'response', at: '2026-01-05T10:00:00Z~2026-01-05T10:00:01.250Z', took: '0.5~2', charts: 'off', live: 'on' }
    expect(tracesSearch(parseSearch(printSearch(search)))).toEqual(search)
  })
  test('what makes no sense is left out', () => expect(tracesSearch({ sort: 'best', live: 'yes', charts: '', time: 'root', filter: '' })).toEqual({}))

  test('selections', () => {
    const brush = { at: { start: 1767607200, end: 1767607201.25 }, took: { low: 0.5, high: 2 } }
    expect(brushOf(printBrush(brush))).toEqual(brush)
    expect(printBrush({ at: null, took: null })).toEqual({})
    for (const bad of [{}, { at: 'a~b', took: 'x~1' }, { at: '2026-01-05T10:00:00Z', took: '~1' }, { at: '2026-01-05T10:00:00Z~2026-01-05T10:00:00Z', took: '2~1' }, { took: '0~Infinity' }, { took: '-1~1' }]) {
      expect(brushOf(bad)).toEqual({ at: null, took: null })
    }
  })

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
  ['1-5759e988-bd862e3fe1be46a994272793', '1-5759e988-bd862e3fe1be46a994272793'],
  [' 5759E988bd862e3fe1be46a994272793 ', '1-5759e988-bd862e3fe1be46a994272793'],
  ['1-5759e988-bd862e3fe1be46a99427279', null],
  ['fault', null],
])('traceId(%s)', (text, want) => expect(traceId(text)).toBe(want))

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
  test.each([
    ['plain-1.0/x', 'plain-1.0/x'],
    ['', "''"],
    ['$(x)', "'$(x)'"],
    ["'", `''\\'''`],
  ])('shell(%s)', (word, want) => expect(shell(word)).toBe(want))
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
