import { describe, expect, test } from 'vitest'
import { parseZoom, printZoom, traceSearch } from '../search'
import { around, clamp, isWhole, pan, ticks, whole, zoomAt } from './view'

describe('the part that is seen', () => {
  const all = { from: 0, to: 10 }
  test('stays in the trace', () => {
    expect(clamp({ from: -5, to: 3 }, all)).toEqual({ from: 0, to: 8 })
    expect(clamp({ from: 8, to: 14 }, all)).toEqual({ from: 4, to: 10 })
    expect(clamp({ from: -50, to: 50 }, all)).toEqual(all)
    expect(pan({ from: 2, to: 4 }, all, 0.5)).toEqual({ from: 3, to: 5 })
    expect(pan({ from: 8, to: 10 }, all, 0.5)).toEqual({ from: 8, to: 10 })
    expect(around(0, 10, all)).toEqual(all)
  })
  test('grows around a place that stays', () => {
    const seen = zoomAt({ from: 2, to: 6 }, all, 2, 0.25)
    expect(seen).toEqual({ from: 2.5, to: 4.5 })
    expect(zoomAt(seen, all, 0.5, 0.25)).toEqual({ from: 2, to: 6 })
    expect(isWhole(zoomAt(seen, all, 1e-9, 0.5), all)).toBe(true)
    const smallest = zoomAt(seen, all, 1e12, 0.5)
    expect(smallest.to - smallest.from).toBeCloseTo(1e-5, 9)
  })
  test('of a trace without a length is something', () => expect(whole(0)).toEqual({ from: 0, to: 0.001 }))
})

test.each([
  [{ from: 0, to: 0.1 }, ['0 ms', '20 ms', '40 ms', '60 ms', '80 ms', '100 ms']],
  [{ from: 1.2341, to: 1.2342 }, ['1234.10 ms', '1234.12 ms', '1234.14 ms', '1234.16 ms', '1234.18 ms', '1234.20 ms']],
  [{ from: 0, to: 5e-4 }, ['0 µs', '100 µs', '200 µs', '300 µs', '400 µs', '500 µs']],
  [{ from: 0, to: 100 }, ['0 s', '20 s', '40 s', '60 s', '80 s', '100 s']],
  [{ from: 3, to: 3 }, []],
])('ticks(%j)', (view, want) => expect(ticks(view, 5).map((tick) => tick.label)).toEqual(want))

describe('the URL', () => {
  test.each([[{ from: 0.1, to: 0.25 }], [{ from: 0, to: 12.345678 }]])('zoom comes back: %j', (view) => expect(parseZoom(printZoom(view))).toEqual(view))
  test.each(['', '5', '5-5', '9-3', '-1-5', 'a-b', '1-2-3', '1e3-1e4'])('%j is no zoom', (text) => expect(parseZoom(text)).toBeNull())
  test('keeps what makes sense', () => {
    const search = { span: 'abc', tab: 'sql', by: 'service', depth: '3', fold: 'a,b', zoom: '1-2', find: 'x', only: 'hits', inferred: 'rows', path: 'off', map: 'off', colour: 'outcome', compare: '1-2' }
    expect(traceSearch(search)).toEqual(search)
    expect(traceSearch({ by: 'x', depth: '0', zoom: '2-1', only: 'y', span: '', other: 'z' })).toEqual({})
  })
})
