// The shapes of the map, as paths.
import type { Point } from './layout'
import type { Figures } from './outcome'

/** The radius of a node's ring. */
export function radius(figures: Figures, size: 'traffic' | 'failures' | undefined, most: Figures): number {
  const least = 15
  const room = 13
  if (size === 'traffic') return least + room * logShare(figures.total, most.total)
  if (size === 'failures') return least + room * Math.sqrt(failed(figures) / Math.max(1, failed(most)))
  return 24
}

export function failed(figures: Figures): number {
  return figures.error + figures.throttle + figures.fault
}

/** width is how thick an edge is drawn. */
export function width(n: number, most: number): number {
  return 1 + 3.5 * logShare(n, most)
}

function logShare(n: number, most: number): number {
  return most > 0 ? Math.log1p(n) / Math.log1p(most) : 0
}

/** arcPath is a part of a ring around 0, from and to in turns, clockwise from the top. */
export function arcPath(r: number, from: number, to: number): string {
  if (to - from > 0.9999) return `M0 ${-r}A${r} ${r} 0 1 1 0 ${r}A${r} ${r} 0 1 1 0 ${-r}`
  const at = (turns: number) => `${round(r * Math.sin(turns * 2 * Math.PI))} ${round(-r * Math.cos(turns * 2 * Math.PI))}`
  return `M${at(from)}A${r} ${r} 0 ${to - from > 0.5 ? 1 : 0} 1 ${at(to)}`
}

/** A node as edges see it. */
export interface Disc extends Point {
  r: number
}

export interface EdgeShape {
  path: string
  /** Where the edge ends, pointing to the right. */
  tip: Point
  /** Where its figures are written. */
  middle: Point
}

const gap = 5 // between rings and edges

/** edgeShape goes from the right of one node to the left of the other, by way of the bends. */
export function edgeShape(from: Disc, to: Disc, bends: readonly Point[] = []): EdgeShape {
  if (from === to) {
    const r = from.r + gap
    return {
      path: `M${round(from.x + r * 0.6)} ${round(from.y - r * 0.8)}C${round(from.x + r * 2.2)} ${round(from.y - r * 2.6)} ${round(from.x - r * 2.6)} ${round(from.y - r * 2.2)} ${round(from.x - r - 7)} ${round(from.y)}`,
      tip: { x: from.x - r, y: from.y },
      middle: { x: from.x - r * 0.4, y: from.y - r * 2 },
    }
  }
  const start = { x: from.x + from.r + gap, y: from.y }
  const tip = { x: to.x - to.r - gap, y: to.y }
  const points = [start, ...bends, { x: tip.x - 6, y: tip.y }]
  // Edges leave and arrive level; at a bend they go on as from the point before to the one behind.
  const slope = (i: number): number => {
    const before = points[i - 1]
    const behind = points[i + 1]
    return before && behind && behind.x > before.x ? (behind.y - before.y) / (behind.x - before.x) : 0
  }
  let path = `M${round(start.x)} ${round(start.y)}`
  let middle = start
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1]!
    const b = points[i]!
    const reach = b.x > a.x ? (b.x - a.x) * 0.45 : Math.max(60, Math.min(160, (a.x - b.x) * 0.4))
    path += `C${round(a.x + reach)} ${round(a.y + reach * slope(i - 1))} ${round(b.x - reach)} ${round(b.y - reach * slope(i))} ${round(b.x)} ${round(b.y)}`
    if (i === Math.ceil((points.length - 1) / 2)) middle = { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 }
  }
  return { path, tip, middle }
}

function round(n: number): number {
  return Math.round(n * 10) / 10
}

/** A view of the map: what is at 0, 0, and how large. */
export interface View {
  x: number
  y: number
  k: number
}

export interface Box {
  left: number
  top: number
  right: number
  bottom: number
}

/** What is left free around a node for its name. */
export const nameBelow: Box = { left: 80, top: 48, right: 80, bottom: 64 }
export const nameBeside: Box = { left: 64, top: 22, right: 190, bottom: 22 }

/** boxOf is what all nodes lie in, with room for their names. */
export function boxOf(places: Iterable<Point>, room: Box = nameBelow): Box | null {
  let box: Box | null = null
  for (const { x, y } of places) {
    const around = { left: x - room.left, top: y - room.top, right: x + room.right, bottom: y + room.bottom }
    box = box ? { left: Math.min(box.left, around.left), top: Math.min(box.top, around.top), right: Math.max(box.right, around.right), bottom: Math.max(box.bottom, around.bottom) } : around
  }
  return box
}

/** fit is the view in which all of a box is seen, not larger than life. */
export function fit(box: Box, width: number, height: number): View {
  const k = Math.max(leastZoom, Math.min(1.15, (width - 2 * border) / (box.right - box.left), (height - border) / (box.bottom - box.top)))
  return { k, x: width / 2 - ((box.left + box.right) / 2) * k, y: height / 2 - ((box.top + box.bottom) / 2) * k }
}

/** What is left free at the sides, in pixels. */
const border = 16

export const leastZoom = 0.04
export const mostZoom = 4

/** zoom makes a view larger by a factor around a point of the screen. */
export function zoom(view: View, factor: number, around: Point): View {
  const k = Math.min(mostZoom, Math.max(leastZoom, view.k * factor))
  const by = k / view.k
  return { k, x: around.x - (around.x - view.x) * by, y: around.y - (around.y - view.y) * by }
}

/** nearest is the node that lies next in a direction: for the arrow keys. */
export function nearest(places: ReadonlyMap<string, Point>, from: string, direction: 'left' | 'right' | 'up' | 'down'): string | null {
  const at = places.get(from)
  if (!at) return null
  const along = { left: [-1, 0], right: [1, 0], up: [0, -1], down: [0, 1] }[direction] as [number, number]
  let best: string | null = null
  let least = Infinity
  for (const [key, other] of places) {
    const forward = (other.x - at.x) * along[0] + (other.y - at.y) * along[1]
    if (key === from || forward <= 1) continue
    const sideways = Math.abs((other.x - at.x) * along[1]) + Math.abs((other.y - at.y) * along[0])
    const distance = forward + 2 * sideways
    if (distance < least) {
      least = distance
      best = key
    }
  }
  return best
}
