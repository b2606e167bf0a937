import { describe, expect, test } from 'vitest'
import { align, byEffect, pathOf, totalsOf, type Pair } from './compare'
import { at, shop, tree } from './sample'

const write = (pairs: readonly Pair[]) => pairs.map((pair) => `${'.'.repeat(pair.depth)}${pair.name} ${pair.difference}${pair.effect === 0 ? '' : ` ${pair.effect > 0 ? '+' : ''}${Number(pair.effect.toFixed(3))}`}`)

describe('two traces', () => {
  test('that are the same do not differ', () => {
    const aligned = align(shop(), shop())
    expect(aligned.every((pair) => pair.difference === 'same' && pair.effect === 0)).toBe(true)
    expect(byEffect(aligned)).toEqual([])
  })

  test('one of which is slower in one place', () => {
    const aligned = align(shop(), shop(1))
    expect(write(aligned)).toEqual(['shop longer', '.pay longer', '..sign same', '..pay longer +1', '.DynamoDB same'])
    expect(byEffect(aligned).map(pathOf)).toEqual([['shop', 'pay', 'pay']])
  })

  test('with parts that the other has not', () => {
    const a = tree(at('a', 0, 10, { subsegments: [at('b', 0, 1), at('c', 2, 5)] }))
    const b = tree(at('a', 0, 10, { subsegments: [at('b', 0, 2), at('d', 3, 4, { subsegments: [at('e', 3, 4)] })] }))
    expect(write(align(a, b))).toEqual(['a same +1', '.b longer +1', '.c missing -3', '.d new', '..e new +1'])
    expect(byEffect(align(a, b)).map((pair) => pair.name)).toEqual(['c', 'a', 'b', 'e', 'd'])
  })

  test('that call the same several times', () => {
    const calls = (n: number) => tree(at('a', 0, 10, { subsegments: Array.from({ length: n }, (_, i) => at(`q${i}`, i, i + 0.5, { name: 'query' })) }))
    const aligned = align(calls(2), calls(6))
    expect(write(aligned)).toEqual(['a same -2', '.query longer +2'])
    expect([aligned[1]!.a!.spans.length, aligned[1]!.b!.spans.length]).toEqual([2, 6])
  })

  test('with nothing in common', () => {
    expect(write(align(tree(at('a', 0, 1)), tree(at('b', 0, 2))))).toEqual(['a missing -1', 'b new +2'])
    expect(align(tree(), tree())).toEqual([])
  })

  test('effects add up to the difference of the work', () => {
    const [a, b] = [shop(), shop(0.7)]
    const sum = align(a, b).reduce((sum, pair) => sum + pair.effect, 0)
    expect(sum).toBeCloseTo(totalsOf(b).work - totalsOf(a).work)
  })

  test('10,000 deep and 10,000 wide', () => {
    const n = 10_000
    const chain = tree(...Array.from({ length: n }, (_, i) => at(`s${i}`, 0, 1, { name: 's', ...(i > 0 ? { parent_id: `s${i - 1}` } : {}) })))
    const wide = tree(at('s', 0, 1, { subsegments: Array.from({ length: n }, (_, i) => at(`s${i}`, 0, 1)) }))
    expect(align(chain, chain).at(-1)!.depth).toBe(n - 1)
    expect(align(chain, wide).length).toBe(n + n)
    expect(align(wide, wide)[0]!.last).toBe(n)
  })
})

test('totals', () => {
  expect(totalsOf(shop())).toMatchObject({ spans: 5, segments: 2, services: 3, failed: 3 })
  expect(totalsOf(shop()).response).toBeCloseTo(1)
  expect(totalsOf(tree(at('a', 0, null))).response).toBeNull()
})
