import type { Seconds } from '../../../api/xray'
import type { Service, Span, Trace } from './tree'

/**
 * A segment that cannot have run when it says so. Two hosts write the times of a call: the caller's those of the
 * call, the callee's those of its segment. A callee that begins before it is called has a clock that is behind.
 * One that would fit into the call, yet ends after the caller had its answer, has a clock that is ahead.
 */
export interface Skew {
  span: Span
  caller: Span
  /** How much later (negative: earlier) the callee has to be for it to fit, at the least. */
  least: Seconds
  /** And at the most; the same where it does not fit at all. */
  most: Seconds
}

/** What is known of the clock of one service as another sees it. */
export interface ClockSkew {
  service: Service
  caller: Service
  /** The clock of the service is behind by so much at the least; ahead, if it is negative. */
  least: Seconds
  /** The worst of them. */
  span: Span
  segments: number
}

/** Times are written to the microsecond or the millisecond: less than this is rounding. */
const grain = 0.0015

/** skewOf holds a segment against the call that made it; null if its times can be right. */
export function skewOf(span: Span): Skew | null {
  const caller = span.parent
  if (!caller || caller.segment === span.segment || span.inferred || span.start <= 0 || caller.start <= 0) return null
  const early = caller.start - span.start
  if (early > grain) {
    // What it may be moved by so that it ends with the call, if it is as short.
    const room = caller.open || span.open ? early : caller.end - span.end
    return { span, caller, least: early, most: Math.max(early, room) }
  }
  if (caller.open || span.open) return null
  const late = span.end - caller.end
  const fits = span.end - span.start <= caller.end - caller.start
  // Whoever sends a message does not wait for what becomes of it, and a callee that began behind the call was not waited for.
  const waits = caller.document.namespace !== 'aws' && span.start < caller.end
  if (late > grain && fits && waits) return { span, caller, least: -late, most: Math.min(-late, early) }
  return null
}

/** skews lists the segments of a trace whose times do not fit those of their callers. */
export function skews(trace: Trace): Skew[] {
  return trace.spans.flatMap((span) => skewOf(span) ?? [])
}

/** clockSkews sums skews up by pairs of services, the greatest first. */
export function clockSkews(found: readonly Skew[]): ClockSkew[] {
  const pairs = new Map<string, ClockSkew>()
  for (const { span, caller, least } of found) {
    const key = `${caller.service.key}>${span.service.key}>${Math.sign(least)}`
    const known = pairs.get(key)
    if (!known) pairs.set(key, { service: span.service, caller: caller.service, least, span, segments: 1 })
    else {
      known.segments++
      if (Math.abs(least) > Math.abs(known.least)) Object.assign(known, { least, span })
    }
  }
  return [...pairs.values()].sort((a, b) => Math.abs(b.least) - Math.abs(a.least))
}

/** outlives is how long a segment went on after the call that made it had ended: nobody waited for it. */
export function outlives(span: Span): Seconds | null {
  const caller = span.parent
  if (!caller || caller.segment === span.segment || caller.open || span.open) return null
  const late = span.end - caller.end
  return late > grain ? late : null
}
