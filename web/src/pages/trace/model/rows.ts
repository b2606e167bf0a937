import type { Seconds } from '../../../api/xray'
import { isStandIn, type Service, type Span, type Trace } from './tree'

/** A line of the waterfall. */
export type Row = SpanRow | ServiceRow

export interface SpanRow {
  kind: 'span'
  key: string
  span: Span
  level: number
  /** Whether there is something to unfold. */
  holds: boolean
  folded: boolean
  /** How many rows are folded away in it. */
  hidden: number
}

/** The heading of all segments of a service. */
export interface ServiceRow {
  kind: 'service'
  key: string
  service: Service
  level: 0
  holds: true
  folded: boolean
  segments: readonly Span[]
  start: Seconds
  end: Seconds
  /** Without what other services did meanwhile. */
  own: Seconds
}

export interface Shown {
  by: 'call' | 'service'
  /** How many levels are unfolded; null: all. */
  depth: number | null
  /** Keys of rows that are folded though their level is not, or the other way round. */
  turned: ReadonlySet<string>
  /** Inferred segments have rows of their own. */
  inferred: boolean
  /** If not null, nothing but these spans and what they are in. */
  only: ReadonlySet<number> | null
}

/** rows lists what is to be drawn, parents before children, leaving out what is folded away. */
export function rows(trace: Trace, shown: Shown): Row[] {
  const wanted = shown.only && withAncestors(trace, shown.only)
  return shown.by === 'service' ? byService(trace, shown, wanted) : byCall(trace, shown, wanted)
}

/** keyOf names the row of a span, in links too. */
export function keyOf(span: Span): string {
  return span.id || `n${span.index}`
}

/** isFolded says whether a row of a level is. */
export function isFolded(shown: Shown, key: string, level: number): boolean {
  return (shown.depth !== null && level + 1 >= shown.depth) !== shown.turned.has(key)
}

function byCall(trace: Trace, shown: Shown, wanted: ReadonlySet<number> | null): Row[] {
  const found: Row[] = []
  for (let i = 0; i < trace.spans.length; i++) {
    const span = trace.spans[i]!
    if (isHidden(span, shown) || (wanted && !wanted.has(i))) {
      i = span.last
      continue
    }
    const row = rowOf(trace, span, span.depth, span.children.some((child) => !isHidden(child, shown) && (!wanted || wanted.has(child.index))), shown)
    found.push(row)
    if (row.folded) i = span.last
  }
  return found
}

function byService(trace: Trace, shown: Shown, wanted: ReadonlySet<number> | null): Row[] {
  const segments = new Map<Service, Span[]>(trace.services.map((service) => [service, []]))
  for (const span of trace.spans) if (span.segment === span && (!wanted || wanted.has(span.index))) segments.get(span.service)?.push(span)
  const found: Row[] = []
  for (const [service, list] of segments) {
    if (list.length === 0) continue
    list.sort((a, b) => a.start - b.start || a.index - b.index)
    const key = `s:${service.key}`
    const folded = isFolded(shown, key, 0)
    const own = new Map<Span, Seconds>(list.map((span) => [span, 0]))
    const lines: Row[] = []
    for (const segment of list) {
      for (let i = segment.index; i <= segment.last; i++) {
        const span = trace.spans[i]!
        if (span.segment !== segment) {
          i = span.last
          continue
        }
        own.set(segment, own.get(segment)! + span.own)
      }
      for (let i = segment.index; i <= segment.last && !folded; i++) {
        const span = trace.spans[i]!
        if (span.segment !== segment || (wanted && !wanted.has(i))) {
          i = span.last
          continue
        }
        const row = rowOf(trace, span, span.depth - segment.depth + 1, span.children.some((child) => child.segment === segment && (!wanted || wanted.has(child.index))), shown)
        lines.push(row)
        if (row.folded) i = span.last
      }
    }
    found.push({
      kind: 'service',
      key,
      service,
      level: 0,
      holds: true,
      folded,
      segments: list,
      start: list[0]!.start,
      end: list.reduce((end, span) => Math.max(end, span.end), -Infinity),
      own: [...own.values()].reduce((a, b) => a + b, 0),
    })
    for (const line of lines) found.push(line)
  }
  return found
}

function rowOf(trace: Trace, span: Span, level: number, holds: boolean, shown: Shown): SpanRow {
  const key = keyOf(span)
  const folded = holds && isFolded(shown, key, level)
  return { kind: 'span', key, span, level, holds, folded, hidden: folded ? inside(trace, span, shown) : 0 }
}

/** inside counts the rows below a span. Only those of rows that are seen are asked for, so no span is counted twice. */
function inside(trace: Trace, span: Span, shown: Shown): number {
  let n = 0
  for (let i = span.index + 1; i <= span.last; i++) {
    const one = trace.spans[i]!
    if (isHidden(one, shown) || (shown.by === 'service' && one.segment !== span.segment)) i = one.last
    else n++
  }
  return n
}

/** isHidden says whether a span is shown with its caller. */
export function isHidden(span: Span, shown: Pick<Shown, 'inferred' | 'by'>): boolean {
  return !shown.inferred && shown.by === 'call' && isStandIn(span)
}

/** seenIn is the span whose row shows it. */
export function seenIn(span: Span, shown: Pick<Shown, 'inferred' | 'by'>): Span {
  let at = span
  for (let above: Span | null = span; above; above = above.parent) if (isHidden(above, shown)) at = above.parent!
  return at
}

function withAncestors(trace: Trace, only: ReadonlySet<number>): ReadonlySet<number> {
  const all = new Set<number>()
  for (const index of only) {
    for (let at: Span | null = trace.spans[index] ?? null; at && !all.has(at.index); at = at.parent) all.add(at.index)
  }
  return all
}

/** unfolding lists the rows that have to be turned for a span to be seen. */
export function unfolding(span: Span, shown: Shown): string[] {
  const keys: string[] = []
  const turn = (key: string, level: number) => {
    if (isFolded(shown, key, level)) keys.push(key)
  }
  if (shown.by === 'service') {
    turn(`s:${span.service.key}`, 0)
    for (let at = span.parent; at && at.segment === span.segment; at = at.parent) turn(keyOf(at), at.depth - span.segment.depth + 1)
  } else for (let at = span.parent; at; at = at.parent) turn(keyOf(at), at.depth)
  return keys
}

/** The figures of all spans of a name. */
export interface NameFigures {
  key: string
  name: string
  service: Service
  subsegment: boolean
  spans: readonly Span[]
  total: Seconds
  own: Seconds
  longest: Seconds
  failed: number
  /** on the critical path */
  critical: Seconds
}

/** namesOf sums spans up by service and name, those with the most own time first. */
export function namesOf(trace: Trace, critical: ReadonlyMap<number, readonly { from: Seconds; to: Seconds }[]>): NameFigures[] {
  const names = new Map<string, NameFigures & { spans: Span[] }>()
  for (const span of trace.spans) {
    const subsegment = span.segment !== span
    const key = `${span.service.key}>${subsegment ? 'sub' : 'seg'}>${subsegment ? span.name : ''}`
    let at = names.get(key)
    if (!at) {
      at = { key, name: subsegment ? span.name : span.service.name, service: span.service, subsegment, spans: [], total: 0, own: 0, longest: 0, failed: 0, critical: 0 }
      names.set(key, at)
    }
    at.spans.push(span)
    at.total += span.end - span.start
    at.own += span.own
    at.longest = Math.max(at.longest, span.end - span.start)
    if (span.outcome !== 'ok') at.failed++
    for (const { from, to } of critical.get(span.index) ?? []) at.critical += to - from
  }
  return [...names.values()].sort((a, b) => b.own - a.own || (a.key < b.key ? -1 : 1))
}
