import { describe, expect, test } from 'vitest'
import type { Entity } from '../../../api/traces'
import { criticalPath } from './critical'
import { at, shop, T, tree } from './sample'

/** path writes the steps from the first to the last: id from–to. */
function path(...segments: Entity[]): string[] {
  return [...criticalPath(tree(...segments)).steps].reverse().map(({ span, from, to }) => `${span.id} ${Number((from - T).toFixed(6))}–${Number((to - T).toFixed(6))}`)
}

describe('the critical path', () => {
  test.each<[string, Entity[], string[]]>([
    ['nothing', [], []],
    ['one', [at('a', 0, 1)], ['a 0–1']],
    ['calls in turn', [at('a', 0, 10, { subsegments: [at('b', 1, 3), at('c', 3, 8)] })], ['a 0–1', 'b 1–3', 'c 3–8', 'a 8–10']],
    ['of calls at the same time the last', [at('a', 0, 10, { subsegments: [at('b', 1, 9), at('c', 1, 5)] })], ['a 0–1', 'b 1–9', 'a 9–10']],
    ['what still ran was not waited for', [at('a', 0, 10, { subsegments: [at('b', 1, 6), at('c', 4, 9)] })], ['a 0–4', 'c 4–9', 'a 9–10']],
    ['what outlives the parent is cut', [at('a', 0, 10, { subsegments: [at('b', 2, 20)] })], ['a 0–2', 'b 2–10']],
    ['what begins before the parent is cut', [at('a', 0, 10, { subsegments: [at('b', -5, 4)] })], ['b 0–4', 'a 4–10']],
    ['what runs behind the parent is not on it', [at('a', 0, 10, { subsegments: [at('b', 12, 20)] })], ['a 0–10']],
    ['down to the callee', [at('a', 0, 10, { subsegments: [at('call', 1, 9)] }), at('b', 2, 8, { parent_id: 'call' })], ['a 0–1', 'call 1–2', 'b 2–8', 'call 8–9', 'a 9–10']],
    ['ends before starts', [at('a', 0, 10, { subsegments: [at('b', 8, 2)] })], ['a 0–10']],
    ['other roots are not on it', [at('a', 0, 10), at('b', 5, 30, { parent_id: 'gone' })], ['a 0–10']],
    ['no root, no path', [at('b', 5, 30, { parent_id: 'gone' })], []],
  ])('%s', (_, segments, want) => expect(path(...segments)).toEqual(want))

  test('covers the root without a gap, whatever the trace is like', () => {
    let state = 1
    const next = () => (state = (state * 48271) % 2147483647) / 2147483647
    for (let round = 0; round < 200; round++) {
      const segments = Array.from({ length: 30 }, (_, i) => {
        const from = next() * 10
        return at(`s${i}`, i === 0 ? 0 : from, i === 0 ? 10 : from + next() * 6 - 1, i > 0 ? { parent_id: `s${Math.floor(next() * i)}` } : {})
      })
      const { steps, time, services } = criticalPath(tree(...segments))
      expect(steps[0]!.to).toBe(T + 10)
      expect(steps.at(-1)!.from).toBe(T)
      for (let i = 1; i < steps.length; i++) expect(steps[i]!.to).toBe(steps[i - 1]!.from)
      for (const { span, from, to } of steps) {
        expect(to).toBeGreaterThan(from)
        expect(span.start).toBeLessThanOrEqual(from)
        expect(span.end).toBeGreaterThanOrEqual(to)
      }
      expect(services.reduce((sum, one) => sum + one.time, 0)).toBeCloseTo(time, 6)
    }
  })

  test('says which services it is made of', () => {
    const { services, time } = criticalPath(shop())
    expect(time).toBeCloseTo(1)
    expect(services.map(({ service, time }) => [service.name, Number(time.toFixed(3))])).toEqual([
      ['shop', 0.5],
      ['pay', 0.3],
      ['carts', 0.2],
    ])
  })

  test('goes 10,000 calls down', () => {
    const n = 10_000
    const { steps } = criticalPath(tree(...Array.from({ length: n }, (_, i) => at(`s${i}`, 0, 1, i > 0 ? { parent_id: `s${i - 1}` } : {}))))
    expect(steps.map((step) => step.span.id)).toEqual([`s${n - 1}`])
  })
})
