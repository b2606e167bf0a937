import { describe, expect, test } from 'vitest'
import { annotationIs, annotations, causesOf, flat, http, likenesses, linksOf, pathOfURL, requestLine, resources, sourceOf, sql, titleOf } from './facts'
import { at, shop, tree } from './sample'

const trace = shop()
const span = (id: string) => trace.byId.get(id)!

test('values are listed by their names', () => {
  expect(flat({ a: 1, b: { c: 'x', d: [1, 2] }, e: [{ f: true }], g: null, h: [], i: {} })).toEqual([
    { name: 'a', value: '1' },
    { name: 'b.c', value: 'x' },
    { name: 'b.d', value: '1, 2' },
    { name: 'e.0.f', value: 'true' },
    { name: 'h', value: '' },
  ])
  expect(flat('x')).toEqual([])
  expect(flat(Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`k${i}`, i])), 10).length).toBe(10)
  let deep: unknown = 1
  for (let i = 0; i < 500; i++) deep = { a: deep }
  expect(flat(deep).length).toBe(1)
})

test('resources are told by what they are', () => {
  const one = tree(at('a', 0, 1, { origin: 'AWS::EC2::Instance', aws: { account_id: '123', ec2: { instance_id: 'i-1' }, xray: { sdk: 'X-Ray for Go' } }, service: { version: '1' } })).spans[0]!
  expect(resources(one).map((group) => group.title)).toEqual(['Resource', 'AWS', 'EC2 instance', 'SDK and sampling', 'Application'])
  expect(resources(span('ddb'))).toEqual([{ title: 'AWS call', facts: [{ name: 'operation', value: 'GetItem' }, { name: 'table_name', value: 'carts' }] }])
})

test('requests and statements', () => {
  expect(http(span('shop')).map((group) => [group.title, group.facts.length])).toEqual([['Request', 2], ['Response', 1]])
  expect(requestLine(span('shop'))).toBe('GET https://shop.example/buy?x=1')
  const query = tree(at('a', 0, 1, { sql: { sanitized_query: 'SELECT 1', user: 'u' } })).spans[0]!
  expect(sql(query)).toEqual({ query: 'SELECT 1', facts: [{ name: 'user', value: 'u' }] })
  expect(sql(span('shop'))).toBeNull()
})

test.each([
  ['https://a.example/x/y?z=1#f', '/x/y'],
  ['https://a.example', 'https://a.example'],
  ['/x', '/x'],
])('pathOfURL(%j)', (url, want) => expect(pathOfURL(url)).toBe(want))

test('titles', () => {
  expect(titleOf(span('shop'))).toEqual({ name: 'shop', note: 'GET /buy' })
  expect(titleOf(span('ddb'))).toEqual({ name: 'DynamoDB', note: 'GetItem carts' })
  expect(titleOf(span('sign'))).toEqual({ name: 'sign', note: null })
})

describe('annotations', () => {
  test('have expressions for the same', () => {
    const one = tree(at('a', 0, 1, { annotations: { plain: 'x"y', 'order.id': 7, 'aws:stage': true, bad: null, worse: {} } })).spans[0]!
    expect(annotations(one).map((annotation) => annotation.filter)).toEqual(['annotation.plain = "x\\"y"', 'annotation[order.id] = 7', 'annotation["aws:stage"] = true'])
  })
  test('keys cannot break out', () => expect(annotationIs('a"] OR b', 'x')).toBe('annotation["a\\"] OR b"] = "x"'))
})

describe('exceptions', () => {
  test('are followed to where they were recorded', () => {
    const { chains } = causesOf(span('shop'), trace)
    expect(chains.map((chain) => chain.map((one) => [one.type, one.span.id]))).toEqual([[['Declined', 'pay'], ['BankError', 'pay']]])
    expect(chains[0]![0]!.stack).toEqual([{ label: 'charge', path: 'pay.js', line: '7' }])
    expect(chains[0]![1]).toMatchObject({ remote: true, truncated: 3 })
  })
  test('are told once', () => expect(causesOf(span('pay'), trace).chains.length).toBe(1))
  test('that are not there are named', () => {
    const one = tree(at('a', 0, 1, { cause: { id: 'ffff' } }))
    expect(causesOf(one.spans[0]!, one)).toMatchObject({ chains: [], unknown: 'ffff' })
  })
  test('in a circle end', () => {
    const one = tree(at('a', 0, 1, { cause: { exceptions: [{ id: 'x', cause: 'y' }, { id: 'y', cause: 'x' }, { id: 'z', cause: 'z' }, 5, null] } }))
    const { chains } = causesOf(one.spans[0]!, one)
    expect(chains.map((chain) => chain.map((exception) => exception.id))).toEqual([['z']])
    const two = tree(at('a', 0, 1, { cause: { exceptions: [{ id: 'x', cause: 'y' }, { id: 'y', cause: 'x' }] } }))
    expect(causesOf(two.spans[0]!, two).chains.map((chain) => chain.length)).toEqual([2])
  })
  test('lead to where a failure comes from', () => {
    expect(sourceOf(span('shop'))?.id).toBe('pay')
    expect(sourceOf(span('pay'))).toBeNull()
  })
})

test('links tell what the other trace is to this one', () => {
  const one = tree(at('a', 0, 1, { links: [{ trace_id: '1-2-3', id: 'x', attributes: { 'aws.xray.reserved.reference_type': 'parent', 'aws.xray.reserved.names': ['intake'], 'aws.xray.reserved.type': 'AWS::Lambda' } }, { trace_id: 't' }, { id: 'no trace' }, 'x'] })).spans[0]!
  expect(linksOf(one).map(({ trace, relation, service }) => [trace, relation, service])).toEqual([['1-2-3', 'before', 'intake, AWS::Lambda'], ['t', 'linked', null]])
})

test('traces like this', () => {
  const filters = (id: string) => likenesses(span(id), trace).map((one) => one.filter)
  expect(filters('shop')).toEqual([
    'service(id(name: "shop", type: ""))',
    'service(id(name: "shop", type: "")) { fault }',
    'service(id(name: "shop", type: "")) { http.status = 502 }',
    'service(id(name: "shop", type: "")) { responsetime >= 1 }',
    'service(id(name: "shop", type: "")) AND http.url = "https://shop.example/buy?x=1"',
    'user = "ada"',
    'rootcause.fault.exception { name = "Declined" }',
  ])
  expect(filters('ddb')[0]).toBe('edge(id(name: "shop", type: ""), id(name: "carts", type: "AWS::DynamoDB::Table"))')
  expect(filters('sign')).toEqual(['service(id(name: "shop", type: ""))'])
})
