import { expect, test } from 'vitest'
import { and, conditions, edge, id, of, quote, service } from './filter'
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
  [['error'], null, '(error AND !throttle)'],
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
