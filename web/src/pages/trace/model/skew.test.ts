import { describe, expect, test } from 'vitest'
import type { Entity } from '../../../api/traces'
import { at, tree } from './sample'
import { clockSkews, outlives, skews } from './skew'

/** A call from 1 to 2, and a segment below it. */
function called(segment: Entity, call: Entity = { namespace: 'remote' }) {
  return tree(at('a', 0, 3, { subsegments: [at('call', 1, 2, call)] }), { ...segment, parent_id: 'call' })
}

describe('clock skew', () => {
  test.each<[string, Entity, Entity | undefined, [number, number] | null]>([
    ['fits', at('b', 1.1, 1.9), undefined, null],
    ['fits but for rounding', at('b', 0.9995, 2.001), undefined, null],
    ['began before it was called: behind', at('b', 0.5, 1.2), undefined, [0.5, 0.8]],
    ['and is longer than the call: behind all the same', at('b', 0.5, 3), undefined, [0.5, 0.5]],
    ['ended after the answer was there: ahead', at('b', 1.7, 2.4), undefined, [-0.4, -0.7]],
    ['works on without its caller', at('b', 1.5, 4), undefined, null],
    ['began when the caller had gone on', at('b', 2.5, 2.7), undefined, null],
    ['took a message from a queue', at('b', 1.7, 2.4), { namespace: 'aws' }, null],
    ['is in progress', at('b', 1.7, null), undefined, null],
    ['is in progress, from before it was called', at('b', 0.7, null), undefined, [0.3, 0.3]],
    ['is inferred', at('b', 0.5, 1.2, { inferred: true }), undefined, null],
    ['has no start', { id: 'b', name: 'b', start_time: 0, end_time: 1 }, undefined, null],
  ])('%s', (_, segment, call, want) => {
    const [found] = skews(called(segment, call))
    expect(found ? [found.least, found.most].map((n) => Number(n.toFixed(3))) : null).toEqual(want)
  })

  test('a subsegment has the clock of its segment', () => expect(skews(tree(at('a', 0, 3, { subsegments: [at('b', -1, 5)] })))).toEqual([])) 

  test('is summed up by services, the greatest first', () => {
    const trace = tree(
      at('a', 0, 9, { subsegments: [at('c1', 1, 2), at('c2', 3, 4), at('c3', 5, 6)] }),
      at('b1', 0.9, 1.5, { name: 'b', parent_id: 'c1' }),
      at('b2', 2.7, 3.5, { name: 'b', parent_id: 'c2' }),
      at('x', 4, 5.1, { parent_id: 'c3' }),
    )
    expect(clockSkews(skews(trace)).map((one) => [one.service.name, one.caller.name, Number(one.least.toFixed(3)), one.segments, one.span.id])).toEqual([
      ['x', 'a', 1, 1, 'x'],
      ['b', 'a', 0.3, 2, 'b2'],
    ])
  })

  test('what outlives its caller is told', () => {
    expect(outlives(called(at('b', 1.5, 4)).byId.get('b')!)).toBeCloseTo(2)
    expect(outlives(called(at('b', 1.5, 1.8)).byId.get('b')!)).toBeNull()
  })
})
