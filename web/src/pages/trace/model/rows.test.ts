import { describe, expect, test } from 'vitest'
import { align } from './compare'
import { criticalPath } from './critical'
import { find } from './find'
import { namesOf, rows, seenIn, unfolding, type Shown } from './rows'
import { at, shop, tree } from './sample'
import type { Span, Trace } from './tree'

const all: Shown = { by: 'call', depth: null, turned: new Set(), inferred: true, only: null }
const write = (trace: Trace, shown: Partial<Shown>) => rows(trace, { ...all, ...shown }).map((row) => `${'.'.repeat(row.level)}${row.kind === 'span' ? row.span.id : `[${row.service.name}]`}${row.folded ? '+' : ''}`)

describe('rows', () => {
  test.each<[string, Partial<Shown>, string[]]>([
    ['all', {}, ['shop', '.pay-call', '..sign', '..pay', '.ddb', '..ddb-inferred']],
    ['inferred segments with their calls', { inferred: false }, ['shop', '.pay-call', '..sign', '..pay', '.ddb']],
    ['one level', { depth: 1 }, ['shop+']],
    ['two levels', { depth: 2 }, ['shop', '.pay-call+', '.ddb+']],
    ['two levels, and one more', { depth: 2, turned: new Set(['pay-call']) }, ['shop', '.pay-call', '..sign', '..pay', '.ddb+']],
    ['one folded', { turned: new Set(['pay-call']) }, ['shop', '.pay-call+', '.ddb', '..ddb-inferred']],
    ['only what is in it, and in what', { only: new Set([3]) }, ['shop', '.pay-call', '..pay']],
    ['by service', { by: 'service' }, ['[shop]', '.shop', '..pay-call', '...sign', '..ddb', '[pay]', '.pay', '[carts]', '.ddb-inferred']],
    ['services alone', { by: 'service', depth: 1 }, ['[shop]+', '[pay]+', '[carts]+']],
    ['a service folded', { by: 'service', turned: new Set(['s:shop']) }, ['[shop]+', '[pay]', '.pay', '[carts]', '.ddb-inferred']],
  ])('%s', (_, shown, want) => expect(write(shop(), shown)).toEqual(want))

  test('what is folded away is counted', () => {
    const hidden = (shown: Partial<Shown>) => rows(shop(), { ...all, ...shown }).flatMap((row) => (row.kind === 'span' && row.folded ? [row.hidden] : []))
    expect(hidden({ depth: 1 })).toEqual([5])
    expect(hidden({ depth: 1, inferred: false })).toEqual([4])
    expect(hidden({ by: 'service', depth: 2 })).toEqual([3])
  })

  test('a service has its own time', () => {
    const [first] = rows(shop(), { ...all, by: 'service' })
    expect(first?.kind === 'service' && first.own).toBeCloseTo(0.5)
  })

  test('what is hidden is unfolded', () => {
    const trace = shop()
    const pay = trace.byId.get('pay')!
    for (const shown of [{ ...all, depth: 1 }, { ...all, by: 'service', depth: 1 }, { ...all, turned: new Set(['shop', 'pay-call']) }] as Shown[]) {
      const turned = new Set(shown.turned)
      for (const key of unfolding(pay, shown)) turned.has(key) ? turned.delete(key) : turned.add(key)
      expect(write(trace, { ...shown, turned }).some((line) => line.includes('pay') && !line.includes('call') && !line.includes('['))).toBe(true)
    }
    expect(seenIn(trace.byId.get('ddb-inferred')!, { ...all, inferred: false }).id).toBe('ddb')
  })
})

describe('find', () => {
  const trace = shop()
  const ids = (text: string) => find(trace, text).map((index) => trace.spans[index]!.id)
  test.each([
    ['', []],
    ['  ', []],
    ['DECLINED', ['pay']],
    ['carts', ['ddb', 'ddb-inferred']],
    ['pay-call', ['pay-call', 'pay']],
    ['inferred', ['ddb-inferred']],
    ['502', ['shop']],
    ['subsegments', []],
  ])('%j', (text, want) => expect(ids(text)).toEqual(want))

  test('keys of annotations and of metadata too', () => {
    const one = tree(at('a', 0, 1, { annotations: { tier: true }, metadata: { debug: { deep: [{ nest: 'egg' }] } } }))
    for (const text of ['tier', 'nest', 'egg']) expect(find(one, text)).toEqual([0])
  })
})

test('names are summed up', () => {
  const trace = shop()
  expect(namesOf(trace, criticalPath(trace).bySpan).map((one) => [one.name, one.subsegment, one.spans.length, Number(one.own.toFixed(3)), Number(one.critical.toFixed(3))])).toEqual([
    ['pay', false, 1, 0.3, 0.3],
    ['shop', false, 1, 0.3, 0.3],
    ['carts', false, 1, 0.2, 0.2],
    ['pay', true, 1, 0.15, 0.15],
    ['sign', true, 1, 0.05, 0.05],
    ['DynamoDB', true, 1, 0, 0],
  ])
})

describe('the work grows as the trace does, not as its square', () => {
  const chain = (n: number) => tree(...Array.from({ length: n }, (_, i) => at(`s${i}`, i / n, 2 - i / n, i > 0 ? { parent_id: `s${i - 1}` } : {})))
  const wide = (n: number) => tree(at('s', 0, n, { subsegments: Array.from({ length: n - 1 }, (_, i) => at(`s${i}`, i, i + 0.5)) }))
  const bushy = (n: number) => tree(...Array.from({ length: n }, (_, i) => at(`s${i}`, i / n, i / n + 0.5, i > 0 ? { parent_id: `s${Math.floor((i - 1) / 8)}` } : {})))

  /** How often the children and times of spans are looked at. */
  function looks(trace: Trace, run: (trace: Trace) => unknown): number {
    let n = 0
    for (const span of trace.spans) {
      for (const key of ['children', 'start', 'end', 'parent'] as const) {
        const value = span[key]
        Object.defineProperty(span, key, {
          get: (): Span[keyof Span] => {
            n++
            return value
          },
        })
      }
    }
    run(trace)
    return n
  }

  test.each<[string, (n: number) => Trace]>([
    ['in a row', chain],
    ['side by side', wide],
    ['in a bush', bushy],
  ])('%s', (_, make) => {
    for (const run of [
      (trace: Trace) => rows(trace, all),
      (trace: Trace) => rows(trace, { ...all, by: 'service', inferred: false, depth: 3 }),
      (trace: Trace) => rows(trace, { ...all, only: new Set(trace.spans.map((span) => span.index)) }),
      (trace: Trace) => criticalPath(trace),
      (trace: Trace) => namesOf(trace, new Map()),
      (trace: Trace) => align(trace, trace),
    ]) {
      const small = looks(make(300), run)
      const large = looks(make(3000), run)
      // Sorting is n log n: at ten times the size a little more than ten times the work.
      expect(large).toBeLessThan(small * 16)
    }
  })
})
