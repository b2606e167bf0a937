import type { HistogramEntry, Seconds } from '../api/xray'

/** percentile is the least value that at least `share` of the requests did not exceed; null if there is none. */
export function percentile(entries: readonly HistogramEntry[], share: number): Seconds | null {
  const total = countOf(entries)
  if (total === 0) return null
  const wanted = Math.max(1, Math.ceil(total * share))
  let seen = 0
  for (const entry of entries) {
    seen += entry.Count
    if (seen >= wanted) return entry.Value
  }
  return entries.at(-1)!.Value
}

export function countOf(entries: readonly HistogramEntry[]): number {
  return entries.reduce((sum, entry) => sum + entry.Count, 0)
}

/** countBetween is how many requests took `low` or longer, but less than `high`. */
export function countBetween(entries: readonly HistogramEntry[], low: Seconds, high: Seconds): number {
  return entries.reduce((sum, entry) => (entry.Value >= low && entry.Value < high ? sum + entry.Count : sum), 0)
}

/** shareOf is a part of a whole, 0 of nothing. */
export function shareOf(n: number, total: number): number {
  return total > 0 ? n / total : 0
}

/** A bar of a drawn histogram: values from `low` up to `high`, which is not in it. */
export interface Bar {
  low: Seconds
  high: Seconds
  /** Of each of the sets. */
  counts: number[]
}

export interface Bars {
  scale: 'linear' | 'log'
  bars: Bar[]
}

/** Times below it are drawn as this: the server tells milliseconds. */
const least = 0.001

/** isWide says whether values lie so far apart that a logarithmic axis shows them better: more than two decades. */
export function isWide(low: Seconds, high: Seconds): boolean {
  return Math.max(high, least) / Math.max(low, least) > 100
}

/**
 * barsOf gathers the entries of some sets, each in ascending order, into the same at
 * most `most` bars of equal width on the axis, for drawing. Ends are round, to the
 * millisecond or three digits, so that a range of bars makes a filter that people can
 * read. `within` zooms in.
 */
export function barsOf(sets: readonly (readonly HistogramEntry[])[], most: number, within?: { low: Seconds; high: Seconds }): Bars {
  const inside = within ? sets.map((entries) => entries.filter((entry) => entry.Value >= within.low && entry.Value < within.high)) : sets
  const ends = inside.flatMap((entries) => (entries.length > 0 ? [entries[0]!.Value, entries.at(-1)!.Value] : []))
  if (ends.length === 0) return { scale: 'linear', bars: [] }
  const [low, high] = [Math.min(...ends), Math.max(...ends)]
  const scale = isWide(low, high) ? 'log' : 'linear'
  const edges = scale === 'log' ? logEdges(low, high, most) : linearEdges(low, high, most)
  const bars = edges.slice(1).map((edge, i): Bar => ({ low: edges[i]!, high: edge, counts: sets.map(() => 0) }))
  inside.forEach((entries, set) => {
    let at = 0
    for (const entry of entries) {
      while (at < bars.length - 1 && entry.Value >= bars[at]!.high - 1e-9) at++
      bars[at]!.counts[set]! += entry.Count
    }
  })
  return { scale, bars }
}

function linearEdges(low: Seconds, high: Seconds, most: number): Seconds[] {
  const step = roundStep(Math.max(1, Math.ceil(((high - low) * 1000 + 1) / most)))
  const first = Math.floor((low * 1000 + 1e-6) / step)
  const last = Math.floor((high * 1000 + 1e-6) / step)
  return Array.from({ length: last - first + 2 }, (_, i) => ((first + i) * step) / 1000)
}

/** roundStep is the next of 1, 2, 5, 10, 20 … that is not smaller. */
function roundStep(n: number): number {
  const power = 10 ** Math.floor(Math.log10(n))
  for (const factor of [1, 2, 5, 10]) if (factor * power >= n - 1e-9) return factor * power
  return 10 * power
}

function logEdges(low: Seconds, high: Seconds, most: number): Seconds[] {
  const from = Math.log10(Math.max(low, least))
  const to = Math.log10(Math.max(high, least))
  const perDecade = [50, 25, 20, 10, 5, 4, 2, 1].find((n) => (to - from) * n + 2 <= most) ?? 1
  const first = Math.floor(from * perDecade + 1e-9)
  const last = Math.floor(to * perDecade + 1e-9)
  const edges = Array.from({ length: last - first + 2 }, (_, i) => Number((10 ** ((first + i) / perDecade)).toPrecision(3)))
  return [Math.min(edges[0]!, low), ...edges.slice(1)]
}

/** mergeHistograms adds up two histograms, each in ascending order. */
export function mergeHistograms(a: readonly HistogramEntry[], b: readonly HistogramEntry[]): HistogramEntry[] {
  const counts = new Map<Seconds, number>()
  for (const entry of [...a, ...b]) counts.set(entry.Value, (counts.get(entry.Value) ?? 0) + entry.Count)
  return [...counts].sort(([x], [y]) => x - y).map(([Value, Count]) => ({ Value, Count }))
}
