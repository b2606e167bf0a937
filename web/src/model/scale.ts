import type { Seconds } from '../api/xray'

/** A scale maps values to places from 0 to 1, and back. */
export interface Scale {
  at: (value: number) => number
  value: (at: number) => number
}

export function linear(low: number, high: number): Scale {
  const span = high - low || 1
  return { at: (value) => (value - low) / span, value: (at) => low + at * span }
}

/** log is a logarithmic scale; `low` is above 0, and what is below it is drawn there. */
export function log(low: number, high: number): Scale {
  const from = Math.log(low)
  const span = Math.log(high) - from || 1
  return { at: (value) => (Math.log(Math.max(value, low)) - from) / span, value: (at) => Math.exp(from + at * span) }
}

/** roundTicks are round values for a linear axis from 0 or `low`, at most so many. */
export function roundTicks(low: number, high: number, most: number): number[] {
  const raw = (high - low) / Math.max(1, most)
  if (!(raw > 0)) return [low]
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw - power * 1e-9) ?? 10 * power
  const ticks: number[] = []
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-9); i++) ticks.push(Number((i * step).toPrecision(12)))
  return ticks
}

/** logTicks are round values for a logarithmic axis of times: 1, 10, 100, or 1, 2, 5 where there is room. */
export function logTicks(low: Seconds, high: Seconds, most: number): Seconds[] {
  const decades = Math.log10(high / low)
  const factors = decades * 3 <= most ? [1, 2, 5] : [1]
  const skip = Math.max(1, Math.ceil((decades * factors.length) / most))
  const ticks: Seconds[] = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += factors.length === 1 ? skip : 1) {
    for (const factor of factors) {
      const value = Number((factor * 10 ** power).toPrecision(3))
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value)
    }
  }
  return ticks
}
