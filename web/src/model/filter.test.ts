import { describe, expect, test } from 'vitest'
import { and, conditions, conjuncts, edge, id, not, of, quote, service, timesBelow, toggle, without, withoutLast, withTimes } from './filter'
import type { Outcome } from './outcome'

test.each([
  ['shop', '"shop"'],
  ['say "hi"', '"say \\"hi\\""'],
  ['a\\b', '"a\\\\b"'],
  ['tab\tline\n', '"tab\\u0009line\\u000a"'],
  ['Ärger 🙂', '"Ärger 🙂"'],
])('quote(%j)', (text, want) => expect(quote(text)).toBe(want))

test('nodes and edges', () => {
  expect(id({ name: 'shop', type: 'AWS::Lambda::Function' })).toBe('id(name: "shop", type: "AWS::Lambda::Function")')
  expect(id({ name: 'shop', type: null, account: '123456789012' })).toBe('id(name: "shop", type: "", account.id: "123456789012")')
  expect(service({ name: 'a', type: '' })).toBe('service(id(name: "a", type: ""))')
  expect(edge({ name: 'a', type: null }, { name: 'b', type: 'T' })).toBe('edge(id(name: "a", type: ""), id(name: "b", type: "T"))')
})

test.each<[Outcome[], { low: number; high: number } | null, string]>([
  [[], null, ''],
  [['ok', 'error', 'throttle', 'fault'], null, ''],
  [['fault'], null, 'fault'],
  [['error'], null, 'error'],
  [['fault', 'throttle'], null, 'throttle OR fault'],
  [['fault', 'ok'], { low: 0.1, high: 2 }, '(ok OR fault) AND responsetime >= 0.1 AND responsetime < 2'],
  [[], { low: 0.1 + 0.2, high: 1e-6 }, 'responsetime >= 0.3 AND responsetime < 0.000001'],
])('conditions(%j, %j)', (ended, time, want) => expect(conditions(new Set(ended), time)).toBe(want))

test('of', () => {
  expect(of('service("a")', '')).toBe('service("a")')
  expect(of('service("a")', 'fault')).toBe('service("a") { fault }')
})

test.each([
  [[], ''],
  [['fault'], 'fault'],
  [['a OR b'], 'a OR b'],
  [['fault', null, ' ', undefined, 'duration > 2'], 'fault AND duration > 2'],
  [['ok or fault', 'partial'], '(ok or fault) AND partial'],
  [['(ok OR fault)', 'service("x OR y") { a OR b }'], '(ok OR fault) AND service("x OR y") { a OR b }'],
])('and(%j)', (expressions, want) => expect(and(...expressions)).toBe(want))

test.each([
  ['', []],
  ['fault', ['fault']],
  ['fault AND user = "a AND b"', ['fault', 'user = "a AND b"']],
  ['fault and http.status = 502 AND service("x") { ok AND fault }', ['fault', 'http.status = 502', 'service("x") { ok AND fault }']],
  ['(a OR b) AND !(c AND d)', ['(a OR b)', '!(c AND d)']],
  ['fault AND ok OR error', ['fault AND ok OR error']],
  ['annotation[a AND b] = 1 AND annotation.and', ['annotation[a AND b] = 1', 'annotation.and']],
  [String.raw`user = "say \"AND\" x" AND ok`, [String.raw`user = "say \"AND\" x"`, 'ok']],
  ['ok AND user = "open AND', ['ok', 'user = "open AND']],
  ['service("x") { ok AND fault } and !(error AND ok)', ['service("x") { ok AND fault }', '!(error AND ok)']],
  ['candy = 1', ['candy = 1']],
])('conjuncts(%s)', (text, want) => expect(conjuncts(text)).toEqual(want))

test('one of the conjuncts is taken away', () => {
  expect(without('a AND b AND c', 1)).toBe('a AND c')
  expect(without('a', 0)).toBe('')
})

describe('conditions', () => {
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

  test('timesBelow', () => expect(timesBelow('duration', { low: 0.5, high: 2 })).toBe('duration >= 0.5 AND duration < 2'))

  test('withoutLast', () => {
    expect(withoutLast('fault AND user = "a"')).toEqual({ rest: 'fault', last: 'user = "a"' })
    expect(withoutLast('fault')).toBeNull()
    expect(withoutLast('')).toBeNull()
  })
})
