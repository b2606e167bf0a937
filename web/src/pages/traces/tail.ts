import type { Row } from './model'

/** How many traces a live list keeps, and how many wait at most while it pauses. */
export const mostLive = 1000

/** A live list, newest arrival first. */
export interface Tail {
  rows: readonly Row[]
  /** What came while the list pauses. */
  waiting: readonly Row[]
  /** The revision of each trace of the last look: what may be told again. */
  seen: ReadonlyMap<string, number>
  /** Traces that came. */
  came: number
  /** Traces that were dropped from what waits, as they were too many. */
  dropped: number
  /** Looks in which more came than are read at a time. */
  overflows: number
}

export const noTail: Tail = { rows: [], waiting: [], seen: new Map(), came: 0, dropped: 0, overflows: 0 }

/** What a look found: the newest first, and whether there was more than was read. */
export interface Look {
  rows: readonly Row[]
  more: boolean
}

/** take adds what a look found. A trace that is there already changes in its place; one that is not comes on top. */
export function take(tail: Tail, look: Look, paused: boolean): Tail {
  const fresh = look.rows.filter((row) => (tail.seen.get(row.id) ?? -1) < row.revision)
  const seen = new Map(look.rows.map((row) => [row.id, row.revision]))
  const overflows = tail.overflows + (look.more ? 1 : 0)
  if (fresh.length === 0) return { ...tail, seen, overflows }
  const known = new Set([...tail.rows, ...tail.waiting].map((row) => row.id))
  const changed = new Map(fresh.filter((row) => known.has(row.id)).map((row) => [row.id, row]))
  const added = fresh.filter((row) => !known.has(row.id))
  const replace = (rows: readonly Row[]) => (changed.size === 0 ? rows : rows.map((row) => changed.get(row.id) ?? row))
  const came = tail.came + added.length
  if (paused) {
    const waiting = [...added, ...replace(tail.waiting)]
    return { ...tail, rows: replace(tail.rows), waiting: waiting.slice(0, mostLive), dropped: tail.dropped + Math.max(0, waiting.length - mostLive), seen, came, overflows }
  }
  return { ...tail, rows: [...added, ...tail.waiting, ...replace(tail.rows)].slice(0, mostLive), waiting: [], seen, came, overflows }
}

/** resume shows what waits. */
export function resume(tail: Tail): Tail {
  return { ...tail, rows: [...tail.waiting, ...tail.rows].slice(0, mostLive), waiting: [] }
}
