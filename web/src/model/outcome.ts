import type { AnalysisCounts } from '../api/analysis'
import type { Statistics } from '../api/xray'

/** How a request ends. Error is 4xx, throttle 429, fault 5xx. */
export type Outcome = 'ok' | 'error' | 'throttle' | 'fault'

/** In the order in which they are drawn and listed. */
export const outcomes: readonly Outcome[] = ['ok', 'error', 'throttle', 'fault']

export const outcomeNames: Record<Outcome, string> = { ok: 'OK', error: 'Error (4xx)', throttle: 'Throttle (429)', fault: 'Fault (5xx)' }

/** How many requests ended each way, and their times added up. */
export interface Figures {
  ok: number
  error: number
  throttle: number
  fault: number
  total: number
  /** seconds, of all requests */
  time: number
}

export const noFigures: Figures = { ok: 0, error: 0, throttle: 0, fault: 0, total: 0, time: 0 }

export function figuresOf(statistics: Statistics | null): Figures {
  if (!statistics) return noFigures
  return {
    ok: statistics.OkCount,
    error: statistics.ErrorStatistics.OtherCount,
    throttle: statistics.ErrorStatistics.ThrottleCount,
    fault: statistics.FaultStatistics.TotalCount,
    total: statistics.TotalCount,
    time: statistics.TotalResponseTime,
  }
}

/** countedFigures is how traces ended by an analysis. Those without a root are in the total alone. */
export function countedFigures(counts: AnalysisCounts): Figures {
  return { ok: counts.OkCount, error: counts.ErrorCount, throttle: counts.ThrottleCount, fault: counts.FaultCount, total: counts.TotalCount, time: 0 }
}

/** addFigures adds up. */
export function addFigures(a: Figures, b: Figures): Figures {
  return { ok: a.ok + b.ok, error: a.error + b.error, throttle: a.throttle + b.throttle, fault: a.fault + b.fault, total: a.total + b.total, time: a.time + b.time }
}

/** mean is the average time of a request; null if there was none. */
export function mean(figures: Figures): number | null {
  return figures.total > 0 ? figures.time / figures.total : null
}

/** share is the part of the requests that ended so; 0 if there was none. */
export function share(figures: Figures, outcome: Outcome): number {
  return figures.total > 0 ? figures[outcome] / figures.total : 0
}

/** worst is the worst way in which some requests ended; null if there was none. */
export function worst(figures: Figures): Outcome | null {
  if (figures.total === 0) return null
  return figures.fault > 0 ? 'fault' : figures.throttle > 0 ? 'throttle' : figures.error > 0 ? 'error' : 'ok'
}

/** A part of a ring, from and to in turns, 0 at the top and clockwise. */
export interface Arc {
  outcome: Outcome
  from: number
  to: number
}

/**
 * arcs divides a ring among the outcomes. None that occurs is thinner than
 * `least` turns, however rare: one fault in a million is still to be seen.
 */
export function arcs(figures: Figures, least = 0.03): Arc[] {
  const present = outcomes.filter((outcome) => figures[outcome] > 0)
  if (present.length === 0) return []
  const raised = present.map((outcome) => Math.max(figures[outcome] / figures.total, least))
  const fixed = raised.map((turns) => turns === least)
  const taken = raised.filter((_, i) => fixed[i]).reduce((a, b) => a + b, 0)
  const free = raised.filter((_, i) => !fixed[i]).reduce((a, b) => a + b, 0)
  let at = 0
  return present.map((outcome, i) => {
    const from = at
    at += fixed[i] ? least : (raised[i]! / free) * (1 - taken)
    return { outcome, from, to: i === present.length - 1 ? 1 : at }
  })
}
