import { describe, expect, test } from 'vitest'
import type { Entity } from '../../../api/traces'
import { at, documents, shape, shop, T, tree } from './sample'
import { isStandIn, outcomeOf, ownTime, treeOf } from './tree'

const ids = (n: number) => Array.from({ length: n }, (_, i) => `s${i}`)

describe('the tree', () => {
  test.each<[string, Entity[], string]>([
    ['nothing', [], ''],
    ['one', [at('a', 0, 1)], 'a'],
    ['children by start', [at('a', 0, 3, { subsegments: [at('c', 2, 3), at('b', 1, 2)] })], 'a(b,c)'],
    ['a callee below its call', [at('b', 1, 2, { parent_id: 'call' }), at('a', 0, 3, { subsegments: [at('call', 1, 2)] })], 'a(call(b))'],
    ['a callee below a segment', [at('a', 0, 3), at('b', 1, 2, { parent_id: 'a' })], 'a(b)'],
    ['a parent that is not there', [at('a', 0, 3), at('b', 1, 2, { parent_id: 'nobody' })], 'a b'],
    ['its own parent', [at('a', 0, 3, { parent_id: 'a' })], 'a'],
    ['a circle', [at('b', 1, 2, { parent_id: 'a' }), at('a', 0, 3, { parent_id: 'c' }), at('c', 2, 3, { parent_id: 'b' })], 'a(b(c))'],
    ['a circle through subsegments', [at('a', 0, 3, { parent_id: 'y', subsegments: [at('x', 0, 1)] }), at('b', 1, 2, { parent_id: 'x', subsegments: [at('y', 1, 2)] })], 'a(x(b(y)))'],
    ['a circle beside a tree', [at('r', 0, 1), at('b', 1, 2, { parent_id: 'a' }), at('a', 0.5, 3, { parent_id: 'b' })], 'r a(b)'],
    ['the same id twice: the first is the parent', [at('a', 0, 3), at('a', 1, 2), at('b', 1, 2, { parent_id: 'a' })], 'a(b) a'],
    ['an empty parent', [at('a', 0, 3, { parent_id: '' })], 'a'],
  ])('%s', (_, segments, want) => expect(shape(tree(...segments))).toBe(want))

  test('says what is odd about a segment', () => {
    const trace = tree(at('a', 0, 3, { parent_id: 'gone' }), at('b', 2, 1), at('c', 0, 1, { parent_id: 'c' }), at('d', 1, null))
    expect(trace.byId.get('a')).toMatchObject({ missing: 'gone', looped: false })
    expect(trace.byId.get('b')).toMatchObject({ backwards: true, start: T + 2, end: T + 2 })
    expect(trace.byId.get('c')).toMatchObject({ looped: true })
    expect(trace.byId.get('d')).toMatchObject({ open: true, end: T + 3 })
    expect(trace.root?.id).toBe('d')
  })

  test('numbers parents before children, with the last of each', () => {
    const trace = tree(at('a', 0, 9, { subsegments: [at('b', 1, 4, { subsegments: [at('c', 1, 2)] }), at('d', 5, 6)] }), at('e', 8, 9))
    expect(trace.spans.map((span) => [span.id, span.index, span.last, span.depth])).toEqual([
      ['a', 0, 3, 0],
      ['b', 1, 2, 1],
      ['c', 2, 2, 2],
      ['d', 3, 3, 1],
      ['e', 4, 4, 0],
    ])
  })

  test('a start of 0 does not stretch the trace', () => {
    const trace = tree({ id: 'a', name: 'a', start_time: 0, end_time: 1 }, at('b', 1, 2))
    expect([trace.start, trace.end]).toEqual([T + 1, T + 2])
    expect(tree({ id: 'a', name: 'a', start_time: 0, end_time: 1 }).end).toBe(1)
  })

  test('leaves out what is no document, and says so', () => {
    const answer = documents(at('a', 0, 1))
    answer.Segments.push({ Id: 'x', Document: '{' }, { Id: 'y', Document: '[]' }, { Id: 'z', Document: 'null' })
    const trace = treeOf(answer)
    expect(trace.spans.length).toBe(1)
    expect(trace.unreadable).toBe(3)
  })

  test('takes members of other types for what they are not', () => {
    const hostile = { id: 7, name: null, start_time: 'now', parent_id: {}, http: 'x', aws: [], subsegments: [null, 3, { name: 'ok' }] } as unknown as Entity
    const trace = tree(hostile)
    expect(trace.spans.map((span) => span.name)).toEqual(['(no name)', 'ok'])
  })

  test.each([1000, 10_000])('%i segments in a row, each called by the one before', (n) => {
    const trace = tree(...ids(n).map((id, i) => at(id, i / n, 2 - i / n, i > 0 ? { parent_id: `s${i - 1}` } : {})))
    expect(trace.spans.at(-1)).toMatchObject({ depth: n - 1, last: n - 1 })
    expect(trace.spans[0]!.last).toBe(n - 1)
  })

  test('subsegments 1,000 deep', () => {
    let inner = at('s1000', 0, 1)
    for (let i = 999; i >= 0; i--) inner = at(`s${i}`, 0, 1, { subsegments: [inner] })
    expect(tree(inner).spans.at(-1)).toMatchObject({ id: 's1000', depth: 1000 })
  })

  test('10,000 segments that all call each other in a circle', () => {
    const trace = tree(...ids(10_000).map((id, i) => at(id, 1, 2, { parent_id: `s${(i + 1) % 10_000}` })))
    expect(trace.spans.length).toBe(10_000)
    expect(trace.roots.map((root) => root.looped)).toEqual([true])
  })
})

describe('own time', () => {
  test.each<[string, Entity[], number]>([
    ['of a leaf is all', [], 10],
    ['between children', [at('b', 1, 3), at('c', 5, 6)], 7],
    ['children at the same time count once', [at('b', 1, 5), at('c', 2, 4), at('d', 3, 7)], 4],
    ['what sticks out does not count', [at('b', -5, 2), at('c', 9, 20)], 7],
    ['a child elsewhere', [at('b', 20, 30)], 10],
    ['a child that ends before it begins', [at('b', 5, 3)], 10],
    ['all of it called', [at('b', 0, 10)], 0],
  ])('%s', (_, subsegments, want) => expect(tree(at('a', 0, 10, { subsegments })).byId.get('a')!.own).toBeCloseTo(want))

  test('gaps are told where they are', () => {
    const trace = tree(at('a', 0, 10, { subsegments: [at('b', 1, 3), at('c', 2, 4), at('d', 6, 7)] }))
    const gap = (id: string) => [trace.byId.get(id)!.before, trace.byId.get(id)!.behind].map((one) => one && [one.from - T, one.to - T])
    expect(gap('b')).toEqual([[0, 1], null])
    expect(gap('c')).toEqual([null, null])
    expect(gap('d')).toEqual([[4, 6], [7, 10]])
  })

  test('own times add up to the root where nothing runs at the same time', () => {
    const trace = shop()
    expect(trace.spans.reduce((sum, span) => sum + span.own, 0)).toBeCloseTo(1)
  })
})

test('inferred segments are of the resource that was called, and stand in for it', () => {
  const trace = shop()
  expect(trace.services.map((service) => service.key)).toEqual(['shop', 'pay|AWS::ECS::Container', 'carts|AWS::DynamoDB::Table'])
  const inferred = trace.byId.get('ddb-inferred')!
  expect(isStandIn(inferred)).toBe(true)
  expect(ownTime(trace.byId.get('ddb')!)).toBeCloseTo(0.2)
})

test.each<[Entity, string]>([
  [{}, 'ok'],
  [{ error: true }, 'error'],
  [{ error: true, throttle: true }, 'throttle'],
  [{ error: true, fault: true, throttle: true }, 'fault'],
  [{ http: { response: { status: 404 } } }, 'error'],
  [{ http: { response: { status: 429 } } }, 'throttle'],
  [{ http: { response: { status: 503 } } }, 'fault'],
  [{ http: { response: { status: '503' } } }, 'ok'],
])('outcomeOf(%j)', (document, want) => expect(outcomeOf(document)).toBe(want))
