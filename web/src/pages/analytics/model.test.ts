import { describe, expect, test } from 'vitest'
import type { AnalysisDifference, AnalysisSet } from '../../api/analysis'
import { parseSearch, printSearch } from '../../app/search'
import { annotationAttribute } from '../../model/attributes'
import { brushOf, printBrush } from '../../model/brush'
import { analyticsSearch, presetNames } from './search'
import {
  byOf,
  commonStart,
  differenceRows,
  differingAttributes,
  figureRows,
  groupRows,
  hiddenAttributes,
  hideOf,
  labelOf,
  needsSlowest,
  otherWindow,
  presetOf,
  presets,
  refine,
  searchOf,
  setsOf,
  shifted,
  shownAttributes,
  swap,
  times,
  type Sets,
} from './model'

const same = { kind: 'same' } as const

describe('the sets', () => {
  test.each<Sets>([
    { a: 'fault', b: '', time: same },
    { a: '', b: '', time: same },
    { a: '', b: 'ok', time: { kind: 'earlier', seconds: null } },
    { a: 'service("a & b") { fault }', b: '!(ok)', time: { kind: 'earlier', seconds: 3600 } },
    { a: 'ok', b: 'ok', time: { kind: 'between', start: 1767607200, end: 1767610800 } },
  ])('come back from the URL: %j', (sets) => expect(setsOf(analyticsSearch({ ...searchOf(sets) }), 1)).toEqual(sets))

  test.each(presetNames)('have a name that stands for them: %s', (name) => {
    expect(presets.map((preset) => preset.name)).toContain(name)
    const search = analyticsSearch({ sets: name })
    expect(presetOf(search)).toBe(name)
    const sets = setsOf(search, 0.468)
    expect(sets.a !== sets.b || sets.time.kind !== 'same').toBe(true)
    expect(needsSlowest(search)).toBe(`${sets.a}${sets.b}`.includes('0.468'))
  })

  test('begin with what is slow or failed, and the rest', () => {
    expect(setsOf({}, 0.468)).toEqual({ a: 'fault OR throttle OR responsetime >= 0.468', b: '!(fault OR throttle OR responsetime >= 0.468)', time: same })
    expect(setsOf({}, null)).toEqual({ a: 'fault OR throttle', b: '!(fault OR throttle)', time: same })
  })

  test.each([
    [{ a: 'fault' }, 'own'],
    [{ bfrom: 'soon', sets: 'nonsense' }, 'own'],
    [{ before: '1h' }, 'own'],
    [{ by: 'user' }, 'trouble'],
  ])('%j is %s', (search, want) => expect(presetOf(analyticsSearch(search))).toBe(want))

  test('times that make no sense are that of A', () => expect(setsOf({ sets: 'own', before: 'soon', bfrom: 'x', bto: 'y' }, 1).time).toEqual(same))

  test('B may be of another time', () => {
    const window = { start: 10_000, end: 10_600 }
    expect(otherWindow(same, window)).toBeUndefined()
    expect(otherWindow({ kind: 'earlier', seconds: null }, window)).toEqual({ start: 9400, end: 10_000 })
    expect(otherWindow({ kind: 'earlier', seconds: 3600 }, window)).toEqual({ start: 6400, end: 7000 })
    expect(otherWindow({ kind: 'between', start: 1, end: 2 }, window)).toEqual({ start: 1, end: 2 })
  })

  test('are narrowed', () => {
    const sets: Sets = { a: 'fault OR error', b: 'ok', time: same }
    expect(refine(sets, 'a', 'user = "ada"')).toEqual({ ...sets, a: '(fault OR error) AND user = "ada"' })
    expect(refine(sets, 'both', 'user = "ada"', true)).toEqual({ ...sets, a: '(fault OR error) AND !(user = "ada")', b: 'ok AND !(user = "ada")' })
    expect(refine(sets, 'b', 'ok')).toEqual(sets)
    expect(refine({ ...sets, a: '' }, 'a', 'ok').a).toBe('ok')
    expect(swap(sets)).toEqual({ a: 'ok', b: 'fault OR error', time: same })
  })
})

const noTimes = { Count: 0, Histogram: [], P50: null, P90: null, P95: null, P99: null }
const set = (counts: Partial<AnalysisSet>): AnalysisSet => ({ AllDots: true, Dots: [], DroppedCount: 0, Duration: noTimes, ErrorCount: 0, FaultCount: 0, OkCount: 0, ResponseTime: noTimes, RootlessCount: 0, Series: [], ThrottleCount: 0, TotalCount: 0, Traces: null, WindowCount: 0, ...counts })

test('figures stand beside each other', () => {
  const rows = figureRows(set({ FaultCount: 1, OkCount: 3, TotalCount: 4, ResponseTime: { ...noTimes, P50: 0.4 } }), set({ OkCount: 2, TotalCount: 2, ResponseTime: { ...noTimes, P50: 0.1, P99: 0 } }), 'ResponseTime')
  const row = (label: string) => rows.find((one) => one.label === label)
  expect(row('Fault (5xx)')).toMatchObject({ a: 0.25, b: 0, difference: 0.25 })
  expect(row('p50')).toMatchObject({ a: 0.4, b: 0.1, difference: 4 })
  expect(row('p99')).toMatchObject({ a: null, b: 0, difference: null })
  expect(row('No root yet')).toBeUndefined()
  expect(figureRows(set({}), set({ RootlessCount: 1, TotalCount: 1 }), 'Duration').find((one) => one.label === 'No root yet')).toMatchObject({ a: null, b: 1, difference: null })
})

describe('differences', () => {
  const one = (Attribute: string, Value: string | number, n: number, m: number): AnalysisDifference => ({ Attribute, Value, Counts: [n, m], FilterExpression: `${Attribute} = ${Value}`, Score: 1, Shares: [n / 100, m / 100] })
  const list = [one('outcome', 'fault', 90, 0), one('http.status', 502, 80, 0), one('service', 'bank', 60, 20), one('edge', 'shop → bank', 60, 20), one('user', 'ada', 10, 40)]

  test('are listed without what is hidden', () => {
    const rows = differenceRows(list, new Set(['outcome']))
    expect(rows.map((row) => [row.value, row.more, times(row)])).toEqual([
      ['502', 'a', 'only A'],
      ['bank', 'a', '3×'],
      ['shop → bank', 'a', '3×'],
      ['ada', 'b', '4×'],
    ])
    expect(groupRows(rows).map(({ row, same: others }) => [row.value, others.length])).toEqual([
      ['502', 0],
      ['bank', 1],
      ['ada', 0],
    ])
    expect(differingAttributes(list)).toHaveLength(5)
  })

  test('what is hidden comes back from the URL', () => {
    for (const hidden of [[], ['outcome'], ['user', 'annotation[a,b]']]) expect([...hiddenAttributes(hideOf(new Set(hidden)))]).toEqual(hidden)
    expect(hideOf(hiddenAttributes(undefined))).toBeUndefined()
  })
})

test('every view comes back from the URL', () => {
  const brush = { at: { start: 1767607200, end: 1767607201.25 }, took: { low: 0.5, high: 2 } }
  const search = { sets: 'own', a: 'user = "a&b"', b: '!ok', before: '1h', measure: 'duration', by: 'user,annotation[a,b]', top: '20', hide: 'none', click: 'without', ...printBrush(brush) }
  const read = analyticsSearch(parseSearch(printSearch(search)))
  expect(read).toEqual(search)
  expect(brushOf(read)).toEqual(brush)
  expect(analyticsSearch({ click: 'with', at: '', took: '' })).toEqual({})
})

test('another time moves along', () => {
  const window = { start: 10_000, end: 10_600 }
  expect(shifted(otherWindow({ kind: 'earlier', seconds: 3600 }, window)!, 3600)).toEqual(window)
})

test('chosen attributes come back from the URL', () => {
  for (const names of [[], ['user'], [annotationAttribute('a,b'), 'http.url'], shownAttributes(undefined)]) expect(shownAttributes(byOf(names))).toEqual(names)
  expect(byOf(shownAttributes(undefined))).toBeUndefined()
  expect(shownAttributes(Array.from({ length: 40 }, (_, i) => `annotation.k${i}`).join(','))).toHaveLength(15)
})

test.each([
  ['http.url', 'URL'],
  ['annotation[order id]', 'Annotation order id'],
  ['annotation.beta', 'Annotation beta'],
  ['new.one', 'new.one'],
])('labelOf(%s)', (attribute, want) => expect(labelOf(attribute)).toBe(want))

test.each([
  [['https://shop.example/a', 'https://shop.example/b/c'], 'https://shop.example'],
  [['https://shop.example/a'], ''],
  [['https://shop.example/', 'https://shop.example/x'], 'https://shop.example'],
  [['/a/b', '/a/c'], ''],
  [['2.0.4', '2.1.0'], ''],
  [[], ''],
])('commonStart(%j)', (texts, want) => expect(commonStart(texts)).toBe(want))
