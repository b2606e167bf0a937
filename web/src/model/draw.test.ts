import { describe, expect, test } from 'vitest'
import { noFigures } from './outcome'
import { arcPath, boxOf, edgeShape, fit, leastZoom, mostZoom, nearest, radius, width, zoom } from './draw'

test('nodes and edges grow with what they carry', () => {
  const most = { ...noFigures, total: 1000, fault: 100 }
  const sizes = [0, 10, 1000].map((total) => radius({ ...noFigures, total }, 'traffic', most))
  expect(sizes).toEqual([...sizes].sort((a, b) => a - b))
  expect(radius({ ...noFigures, fault: 100 }, 'failures', most)).toBeGreaterThan(radius({ ...noFigures, fault: 1 }, 'failures', most))
  expect(radius(noFigures, undefined, most)).toBe(radius(most, undefined, most))
  expect(width(1000, 1000)).toBeGreaterThan(width(1, 1000))
  expect(width(0, 0)).toBeGreaterThan(0)
})

test('arcs', () => {
  expect(arcPath(10, 0, 0.25)).toBe('M0 -10A10 10 0 0 1 10 0')
  expect(arcPath(10, 0.25, 1)).toBe('M10 0A10 10 0 1 1 0 -10')
  expect(arcPath(10, 0, 1)).toContain('A10 10 0 1 1 0 10') // a whole ring needs two
})

describe('edges', () => {
  const a = { x: 0, y: 0, r: 20 }
  const b = { x: 200, y: 100, r: 20 }
  test('go from the right of one to the left of the other', () => {
    const { path, tip, middle } = edgeShape(a, b)
    expect(path.startsWith('M25 0C')).toBe(true)
    expect(tip).toEqual({ x: 175, y: 100 })
    expect(middle).toEqual({ x: 97, y: 50 })
  })
  test('go by their bends', () => expect(edgeShape(a, { x: 400, y: 0, r: 20 }, [{ x: 200, y: 50 }]).path).toContain('200 50C'))
  test('go back, and to themselves', () => {
    expect(edgeShape(b, a).tip).toEqual({ x: -25, y: 0 })
    expect(edgeShape(a, a).tip).toEqual({ x: -25, y: 0 })
  })
})

test('a view fits', () => {
  const box = boxOf([
    { x: 0, y: 0 },
    { x: 1000, y: 300 },
  ])!
  const view = fit(box, 800, 600)
  expect(box.left * view.k + view.x).toBeGreaterThanOrEqual(-1e-9)
  expect(box.right * view.k + view.x).toBeLessThanOrEqual(800 + 1e-9)
  expect(fit(boxOf([{ x: 0, y: 0 }])!, 800, 600).k).toBe(1.15)
  expect(boxOf([])).toBeNull()
})

test('zooming keeps the point under the pointer', () => {
  const view = { x: 10, y: 20, k: 1 }
  const zoomed = zoom(view, 1.5, { x: 100, y: 100 })
  expect((100 - zoomed.x) / zoomed.k).toBeCloseTo((100 - view.x) / view.k)
  expect(zoom(view, 1e9, { x: 0, y: 0 }).k).toBe(mostZoom)
  expect(zoom(view, 1e-9, { x: 0, y: 0 }).k).toBe(leastZoom)
})

test('arrow keys', () => {
  const places = new Map([
    ['a', { x: 0, y: 0 }],
    ['b', { x: 200, y: 10 }],
    ['c', { x: 200, y: 300 }],
    ['d', { x: 400, y: 0 }],
  ])
  expect(nearest(places, 'a', 'right')).toBe('b')
  expect(nearest(places, 'b', 'down')).toBe('c')
  expect(nearest(places, 'd', 'left')).toBe('b')
  expect(nearest(places, 'a', 'left')).toBeNull()
  expect(nearest(places, 'gone', 'left')).toBeNull()
})
