import type { Seconds, Window } from '../api/xray'

/**
 * What the reader chose to look at: the last so many seconds, or from here to
 * there. It is kept in the URL and becomes a window when it is asked about.
 */
export type Range = { kind: 'last'; seconds: number } | { kind: 'between'; start: Seconds; end: Seconds }

export const defaultRange: Range = { kind: 'last', seconds: 3600 }

/** The relative ranges that are offered. */
export const presets: readonly { seconds: number; label: string }[] = [
  { seconds: 300, label: '5 minutes' },
  { seconds: 900, label: '15 minutes' },
  { seconds: 1800, label: '30 minutes' },
  { seconds: 3600, label: 'hour' },
  { seconds: 3 * 3600, label: '3 hours' },
  { seconds: 6 * 3600, label: '6 hours' },
  { seconds: 12 * 3600, label: '12 hours' },
  { seconds: 86_400, label: 'day' },
  { seconds: 2 * 86_400, label: '2 days' },
  { seconds: 7 * 86_400, label: '7 days' },
]

const units: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 }
const longest = 366 * 86_400

/** parseSpan reads 90s, 15m, 2h or 7d; null if it is none of these, or longer than a year. */
export function parseSpan(text: string): number | null {
  const match = /^(\d{1,9})([smhd])$/.exec(text)
  if (!match) return null
  const seconds = Number(match[1]) * (units[match[2]!] ?? 0)
  return seconds > 0 && seconds <= longest ? seconds : null
}

/** printSpan writes seconds in the largest unit that holds them evenly. */
export function printSpan(seconds: number): string {
  for (const unit of ['d', 'h', 'm'] as const) {
    const size = units[unit]!
    if (seconds % size === 0) return `${seconds / size}${unit}`
  }
  return `${seconds}s`
}

/** The parts of a URL that hold a range. */
export interface RangeText {
  since?: string | undefined
  from?: string | undefined
  to?: string | undefined
}

/** parseRange reads a range; what makes no sense is the default. */
export function parseRange(text: RangeText): Range {
  const start = parseMoment(text.from)
  const end = parseMoment(text.to)
  if (start !== null && end !== null && start < end) return { kind: 'between', start, end }
  const seconds = text.since ? parseSpan(text.since) : null
  return seconds === null ? defaultRange : { kind: 'last', seconds }
}

export function printRange(range: Range): RangeText {
  if (range.kind === 'between') return { since: undefined, from: printMoment(range.start), to: printMoment(range.end) }
  const since = range.seconds === (defaultRange as { seconds: number }).seconds ? undefined : printSpan(range.seconds)
  return { since, from: undefined, to: undefined }
}

function parseMoment(text: string | undefined): Seconds | null {
  if (!text) return null
  const milliseconds = Date.parse(text)
  return Number.isFinite(milliseconds) ? milliseconds / 1000 : null
}

/** printMoment writes RFC 3339 in UTC, with milliseconds only where there are some. */
export function printMoment(seconds: Seconds): string {
  return new Date(Math.round(seconds * 1000)).toISOString().replace('.000Z', 'Z')
}

/** localText is a moment as a field of the type datetime-local wants it, in the reader's zone, to the second or the millisecond. */
export function localText(seconds: Seconds, to: 'second' | 'millisecond'): string {
  const date = new Date(to === 'second' ? Math.floor(seconds) * 1000 : Math.round(seconds * 1000))
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, to === 'second' ? 19 : 23)
}

/** windowFrom reads two such fields; null if they are no window. */
export function windowFrom(from: string, to: string): Window | null {
  const window = { start: Date.parse(from) / 1000, end: Date.parse(to) / 1000 }
  return window.start < window.end ? window : null
}

/** windowOf is the window of a range at a moment. */
export function windowOf(range: Range, now: Seconds): Window {
  if (range.kind === 'between') return { start: range.start, end: range.end }
  const end = Math.ceil(now)
  return { start: end - range.seconds, end }
}

/** labelOf is a range in words. */
export function labelOf(range: Range): string {
  if (range.kind === 'last') return `Last ${presets.find((preset) => preset.seconds === range.seconds)?.label ?? printSpan(range.seconds)}`
  return `${clock(range.start, range.end)} – ${clock(range.end, range.start)}`
}

const dayFormat = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' })
const yearFormat = new Intl.DateTimeFormat(undefined, { year: 'numeric', month: 'short', day: 'numeric' })
const minuteFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const secondFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })

/** clock writes a moment in the reader's zone, with the day where it differs from that of the other. */
export function clock(seconds: Seconds, other: Seconds = Date.now() / 1000): string {
  const date = new Date(seconds * 1000)
  const beside = new Date(other * 1000)
  const time = (date.getSeconds() === 0 ? minuteFormat : secondFormat).format(date)
  if (date.toDateString() === beside.toDateString() && date.toDateString() === new Date().toDateString()) return time
  return `${(date.getFullYear() === beside.getFullYear() ? dayFormat : yearFormat).format(date)}, ${time}`
}

/** moment writes a moment in full, in the reader's zone, to the millisecond. */
export function moment(seconds: Seconds): string {
  return `${toTheSecond(seconds)}.${String(new Date(seconds * 1000).getMilliseconds()).padStart(3, '0')}`
}

/** toTheSecond writes a moment in full, in the reader's zone, without parts of a second. */
export function toTheSecond(seconds: Seconds): string {
  const date = new Date(seconds * 1000)
  return `${yearFormat.format(date)}, ${secondFormat.format(date)}`
}

const timeFormat = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' })
const dayTimeFormat = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, hourCycle: 'h23' })

/** when writes a start, with the day if it is not today's. */
export function when(start: Seconds, now: Date = new Date()): string {
  const date = new Date(start * 1000)
  return (date.toDateString() === now.toDateString() ? timeFormat : dayTimeFormat).format(date)
}

/** ago says how long before now a moment was: "3 min ago". */
export function ago(seconds: Seconds, now: Seconds): string {
  const passed = Math.max(0, now - seconds)
  if (passed < 5) return 'now'
  if (passed < 90) return `${Math.round(passed)} s ago`
  if (passed < 90 * 60) return `${Math.round(passed / 60)} min ago`
  if (passed < 36 * 3600) return `${Math.round(passed / 3600)} h ago`
  return `${Math.round(passed / 86_400)} days ago`
}

/** periodFor is the period in which a time series of a window is asked: at most 600 of them where that is possible. */
export function periodFor(window: Window): 60 | 300 {
  return window.end - window.start <= 6 * 3600 ? 60 : 300
}

const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 3 * 3600, 6 * 3600, 12 * 3600, 86_400, 2 * 86_400, 7 * 86_400]

/** timeTicks are round moments of the reader's clock for an axis, at most so many. */
export function timeTicks(window: Window, most: number): Seconds[] {
  const span = window.end - window.start
  const step = steps.find((seconds) => span / seconds <= most) ?? Math.ceil(span / most / 86_400) * 86_400
  const offset = -new Date(window.start * 1000).getTimezoneOffset() * 60
  const ticks: Seconds[] = []
  for (let at = Math.ceil((window.start + offset) / step) * step - offset; at < window.end; at += step) ticks.push(at)
  return ticks
}
