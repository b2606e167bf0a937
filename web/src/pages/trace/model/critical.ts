import type { Seconds } from '../../../api/xray'
import type { Interval, Service, Span, Trace } from './tree'

/** What the end of the request waited for. */
export interface CriticalPath {
  /** From the last to the first. They follow each other without a gap, from the root's end to its start. */
  steps: readonly (Interval & { span: Span })[]
  /** By index of the span. */
  bySpan: ReadonlyMap<number, readonly Interval[]>
  /** The time of each service on it, the longest first. */
  services: readonly { service: Service; time: Seconds }[]
  /** All of it: the time of the root. */
  time: Seconds
}

/** Times of one clock that differ by less are the same: they were rounded. */
const grain = 1e-6

/**
 * criticalPath walks from the root's end backwards. At each moment it follows the child that ended last before
 * it; what lies between is the parent's own. A child that outlives its parent is cut, and one that still runs
 * when another begins was not waited for by that other.
 */
export function criticalPath(trace: Trace): CriticalPath {
  const steps: (Interval & { span: Span })[] = []
  const { root } = trace
  if (root) {
    const waiting = [visit(root, root.start, root.end)]
    for (let at = waiting.at(-1); at; at = waiting.at(-1)) {
      const child = at.next()
      // What lies behind the child is the parent's.
      const from = child ? Math.min(child.end, at.point) : at.low
      if (at.point - from > 0) steps.push({ span: at.span, from, to: at.point })
      if (!child) {
        waiting.pop()
        continue
      }
      const low = Math.max(child.start, at.low)
      at.point = low
      waiting.push(visit(child, low, from))
    }
  }
  const bySpan = new Map<number, Interval[]>()
  const times = new Map<Service, Seconds>()
  for (const { span, from, to } of steps) {
    const known = bySpan.get(span.index)
    if (known) known.push({ from, to })
    else bySpan.set(span.index, [{ from, to }])
    times.set(span.service, (times.get(span.service) ?? 0) + to - from)
  }
  const services = [...times].map(([service, time]) => ({ service, time })).sort((a, b) => b.time - a.time || (a.service.key < b.service.key ? -1 : 1))
  return { steps, bySpan, services, time: root ? root.end - root.start : 0 }
}

interface Visit {
  span: Span
  low: Seconds
  /** How far back the walk has come. */
  point: Seconds
  /** The child that ended last before the point. */
  next: () => Span | null
}

function visit(span: Span, low: Seconds, high: Seconds): Visit {
  const byEnd = span.children.length > 1 ? [...span.children].sort((a, b) => b.end - a.end || b.start - a.start) : span.children
  let i = 0
  let first = true
  const here: Visit = {
    span,
    low,
    point: high,
    next: () => {
      for (; i < byEnd.length; i++) {
        const child = byEnd[i]!
        // The first may be cut at the end; of the others, those that had ended.
        if (child.start >= here.point || child.end <= here.low || child.end <= child.start) continue
        if (!first && child.end > here.point + grain) continue
        first = false
        i++
        return child
      }
      return null
    },
  }
  return here
}
