// What part of the time is seen, and how it is labelled.
import type { View } from '../search'

/** Nothing is seen larger than this, in seconds: times are written to the microsecond. */
const least = 10e-6

/** whole is all of a trace, with a little room at the end. */
export function whole(seconds: number): View {
  return { from: 0, to: seconds > 0 ? seconds * 1.02 : 0.001 }
}

/** clamp keeps a view inside of the trace. */
export function clamp(view: View, all: View): View {
  const span = Math.min(Math.max(view.to - view.from, least), all.to - all.from)
  const from = Math.min(Math.max(view.from, all.from), all.to - span)
  return { from, to: from + span }
}

/** zoomAt makes a view larger by a factor, around a place in it from 0 to 1. */
export function zoomAt(view: View, all: View, factor: number, place: number): View {
  const span = Math.min(Math.max((view.to - view.from) / factor, least), all.to - all.from)
  const at = view.from + (view.to - view.from) * place
  return clamp({ from: at - span * place, to: at + span * (1 - place) }, all)
}

/** pan moves a view by a share of itself. */
export function pan(view: View, all: View, share: number): View {
  const by = (view.to - view.from) * share
  return clamp({ from: view.from + by, to: view.to + by }, all)
}

/** around is a view in which a part fills the middle. */
export function around(from: number, to: number, all: View): View {
  const room = Math.max((to - from) * 0.25, least)
  return clamp({ from: from - room, to: to + room }, all)
}

export function isWhole(view: View, all: View): boolean {
  return view.to - view.from >= (all.to - all.from) * 0.9999
}

export interface Tick {
  at: number
  label: string
}

/** ticks are round times of a view, at most so many, with as many digits as tell them apart. */
export function ticks(view: View, most: number): Tick[] {
  const raw = (view.to - view.from) / Math.max(1, most)
  if (!(raw > 0)) return []
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= raw - power * 1e-9) ?? 10) * power
  const [size, unit] = view.to < 0.001 ? [1e-6, 'µs'] : view.to < 2 ? [1e-3, 'ms'] : [1, 's']
  const digits = Math.max(0, -Math.floor(Math.log10(step / size) + 1e-9))
  const found: Tick[] = []
  for (let i = Math.ceil(view.from / step - 1e-9); i * step <= view.to; i++) {
    const at = i * step
    found.push({ at, label: `${(at / size).toFixed(digits)} ${unit}` })
  }
  return found
}
