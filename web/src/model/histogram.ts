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

/** A bar of a drawn histogram: values from `low` up to `high`, which is not in it. */
export interface Bar {
  low: Seconds
  high: Seconds
  count: number
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
 * barsOf gathers entries into at most `most` bars of equal width on the axis, for
 * drawing. Ends are round, to the millisecond or three digits, so that a range of bars
 * makes a filter that people can read. `within` zooms in.
 */
export function barsOf(entries: readonly HistogramEntry[], most: number, within?: { low: Seconds; high: Seconds }): Bars {
  const inside = within ? entries.filter((entry) => entry.Value >= within.low && entry.Value < within.high) : entries
  if (inside.length === 0) return { scale: 'linear', bars: [] }
  const low = inside[0]!.Value
  const high = inside.at(-1)!.Value
  return isWide(low, high) ? logBars(inside, low, high, most) : linearBars(inside, low, high, most)
}

function linearBars(entries: readonly HistogramEntry[], low: Seconds, high: Seconds, most: number): Bars {
  const milliseconds = Math.max(1, Math.ceil(((high - low) * 1000 + 1) / most))
  const step = roundStep(milliseconds)
  const first = Math.floor((low * 1000 + 1e-6) / step)
  const last = Math.floor((high * 1000 + 1e-6) / step)
  const bars: Bar[] = []
  for (let i = first; i <= last; i++) bars.push({ low: (i * step) / 1000, high: ((i + 1) * step) / 1000, count: 0 })
  for (const entry of entries) bars[Math.floor((entry.Value * 1000 + 1e-6) / step) - first]!.count += entry.Count
  return { scale: 'linear', bars }
}

/** roundStep is the next of 1, 2, 5, 10, 20 … that is not smaller. */
function roundStep(n: number): number {
  const power = 10 ** Math.floor(Math.log10(n))
  for (const factor of [1, 2, 5, 10]) if (factor * power >= n - 1e-9) return factor * power
  return 10 * power
}

function logBars(entries: readonly HistogramEntry[], low: Seconds, high: Seconds, most: number): Bars {
  const from = Math.log10(Math.max(low, least))
  const to = Math.log10(Math.max(high, least))
  const perDecade = [50, 25, 20, 10, 5, 4, 2, 1].find((n) => (to - from) * n + 2 <= most) ?? 1
  const first = Math.floor(from * perDecade + 1e-9)
  const last = Math.floor(to * perDecade + 1e-9)
  const edge = (i: number) => Number((10 ** (i / perDecade)).toPrecision(3))
  const bars: Bar[] = []
  for (let i = first; i <= last; i++) bars.push({ low: edge(i), high: edge(i + 1), count: 0 })
  bars[0]!.low = Math.min(bars[0]!.low, low)
  let at = 0
  for (const entry of entries) {
    while (at < bars.length - 1 && entry.Value >= bars[at]!.high) at++
    bars[at]!.count += entry.Count
  }
  return { scale: 'log', bars }
}

/** mergeHistograms adds up two histograms, each in ascending order. */
export function mergeHistograms(a: readonly HistogramEntry[], b: readonly HistogramEntry[]): HistogramEntry[] {
  const counts = new Map<Seconds, number>()
  for (const entry of [...a, ...b]) counts.set(entry.Value, (counts.get(entry.Value) ?? 0) + entry.Count)
  return [...counts].sort(([x], [y]) => x - y).map(([Value, Count]) => ({ Value, Count }))
}
