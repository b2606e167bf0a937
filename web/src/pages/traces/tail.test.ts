import { expect, test } from 'vitest'
import type { Row } from './model'
import { mostLive, noTail, resume, take } from './tail'

const row = (id: string, revision = 1) => ({ id, revision }) as Row
const ids = (rows: readonly Row[]) => rows.map((one) => `${one.id}${one.revision}`).join(' ')
const look = (...rows: Row[]) => ({ rows, more: false })

test('what is new comes on top, and what changed stays in its place', () => {
  let tail = take(noTail, look(row('b'), row('a')), false)
  expect(ids(tail.rows)).toBe('b1 a1')
  tail = take(tail, look(row('b'), row('a')), false)
  expect([ids(tail.rows), tail.came]).toEqual(['b1 a1', 2])
  tail = take(tail, look(row('c'), row('a', 2)), false)
  expect([ids(tail.rows), tail.came]).toEqual(['c1 b1 a2', 3])
})

test('while it pauses things wait', () => {
  let tail = take(noTail, look(row('a')), false)
  tail = take(tail, look(row('b'), row('a', 2)), true)
  tail = take(tail, look(row('c'), row('b', 2)), true)
  expect([ids(tail.rows), ids(tail.waiting)]).toEqual(['a2', 'c1 b2'])
  expect(ids(resume(tail).rows)).toBe('c1 b2 a2')
  expect(ids(take(tail, look(row('d')), false).rows)).toBe('d1 c1 b2 a2')
})

test('memory is bounded, and what is dropped is counted', () => {
  const many = (from: number) => Array.from({ length: 600 }, (_, i) => row(`t${from + i}`))
  let tail = take(take(noTail, look(...many(0)), false), { rows: many(600), more: true }, false)
  expect([tail.rows.length, tail.came, tail.overflows, tail.dropped]).toEqual([mostLive, 1200, 1, 0])
  expect(tail.rows[0]!.id).toBe('t600')
  tail = take(take(tail, look(...many(1200)), true), look(...many(1800)), true)
  expect([tail.waiting.length, tail.dropped, tail.waiting[0]!.id]).toEqual([mostLive, 200, 't1800'])
  expect(tail.seen.size).toBe(600)
})
