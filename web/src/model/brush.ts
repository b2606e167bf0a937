// What is selected in charts of traces: a time, how long they took, or both.
import type { Seconds, Window } from '../api/xray'
import { number, type TimeRange } from './filter'
import { printMoment } from './time'

export interface Brush {
  at: Window | null
  took: TimeRange | null
}

export const noBrush: Brush = { at: null, took: null }

/** brushOf reads a selection from the two texts that a URL has of it; what makes no sense is none. */
export function brushOf(search: { at?: string | undefined; took?: string | undefined }): Brush {
  const [start, end] = (search.at ?? '').split('~').map((moment) => Date.parse(moment) / 1000)
  const [low, high] = (search.took ?? '').split('~').map((seconds) => (seconds.trim() === '' ? NaN : Number(seconds)))
  return {
    at: start !== undefined && end !== undefined && start < end ? { start, end } : null,
    took: low !== undefined && high !== undefined && low >= 0 && low < high && high < Infinity ? { low, high } : null,
  }
}

/** printBrush writes what brushOf reads. */
export function printBrush({ at, took }: Brush): { at: string | undefined; took: string | undefined } {
  return {
    at: at ? `${printMoment(at.start)}~${printMoment(at.end)}` : undefined,
    took: took ? `${number(took.low)}~${number(took.high)}` : undefined,
  }
}

/** narrowed is the part of a window that is selected; null if nothing is left. */
export function narrowed(window: Window, at: Window | null): Window | null {
  if (!at) return window
  const start = Math.max(window.start, at.start)
  const end = Math.min(window.end, at.end)
  return start < end ? { start, end } : null
}

/** rounded writes a time with so many digits that it is easily read, rounded down or up. */
export function rounded(seconds: Seconds, way: 'down' | 'up'): Seconds {
  if (seconds <= 0) return 0
  const unit = 10 ** (Math.floor(Math.log10(seconds)) - 2)
  const round = way === 'down' ? Math.floor : Math.ceil
  return Number((round(Number((seconds / unit).toPrecision(12))) * unit).toPrecision(6))
}
