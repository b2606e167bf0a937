import { expect, test } from 'vitest'
import { colours, coloursOf, isLively, lacksOf, strip, worstInside } from './looks'
import { at, documents, shop, T, tree } from './sample'
import { treeOf } from './tree'

test('services have colours of their own, as long as there are some', () => {
  const services = (n: number) => tree(...Array.from({ length: n }, (_, i) => at(`s${i}`, i, i + 1)))
  expect(new Set(coloursOf(services(colours)).values()).size).toBe(colours)
  expect(coloursOf(services(3 * colours)).size).toBe(3 * colours)
  expect(coloursOf(shop()).get('shop')).toBe(coloursOf(shop(1)).get('shop'))
})

test('the worst shows through what is folded', () => {
  const trace = tree(at('a', 0, 3, { subsegments: [at('b', 0, 1, { error: true, subsegments: [at('c', 0, 1, { fault: true })] }), at('d', 1, 2)] }))
  expect(worstInside(trace)).toEqual(['fault', 'fault', 'fault', 'ok'])
})

test('a strip has no more blocks than it has room for, and hides no failure', () => {
  const many = tree(at('a', 0, 1, { subsegments: Array.from({ length: 5000 }, (_, i) => at(`s${i}`, i / 5000, (i + 1) / 5000, i === 2500 ? { fault: true } : {})) }))
  const blocks = strip(many, 50)
  expect(blocks.length).toBeLessThanOrEqual(200)
  expect(blocks.filter((block) => block.outcome === 'fault').length).toBe(1)
  expect(strip(shop(), 50).map((block) => block.line).sort()).toEqual([0, 1, 2, 3, 4, 5])
  expect(strip(tree(), 50)).toEqual([])
})

test('what a trace lacks is told', () => {
  const answer = documents(at('a', 0, null, { parent_id: 'gone' }), at('b', 3, 2, { parent_id: 'b' }))
  answer.LimitExceeded = true
  answer.Segments.push({ Id: 'x', Document: '' })
  const lacks = lacksOf(treeOf(answer))
  expect({ ...lacks, parentless: lacks.parentless.map((span) => span.id) }).toEqual({ limit: true, open: 1, parentless: ['a'], rootless: true, pieces: false, unreadable: 1, circles: 1, backwards: 1 })
  expect(lacksOf(tree()).pieces).toBe(true)
  expect(lacksOf(shop())).toMatchObject({ limit: false, open: 0, rootless: false })
})

test('a trace is looked at again as long as more may come', () => {
  const done = tree(at('a', 0, 10))
  const open = tree(at('a', 0, 10, { subsegments: [at('b', 1, null)] }))
  expect([done, open].map((trace) => isLively(trace, T + 15))).toEqual([true, true])
  expect([done, open].map((trace) => isLively(trace, T + 100))).toEqual([false, true])
  expect([done, open].map((trace) => isLively(trace, T + 5000))).toEqual([false, false])
  expect(isLively(tree(), T)).toBe(true)
})
