import type { Seconds } from '../../../api/xray'
import { isStandIn, type Service, type Span, type Trace } from './tree'

/** What one of two traces has at a place. */
export interface Side {
  spans: readonly Span[]
  /** Their times added up. */
  total: Seconds
  /** Without what was called meanwhile. */
  own: Seconds
}

/** What two traces have at the same place: where the names from the root down are the same. */
export interface Pair {
  index: number
  last: number
  depth: number
  parent: Pair | null
  children: Pair[]
  name: string
  /** Whom the calls go to; null for what stays inside of the service. */
  callee: Service | null
  service: Service
  subsegment: boolean
  a: Side | null
  b: Side | null
  difference: 'longer' | 'shorter' | 'same' | 'missing' | 'new'
  /** By how much the place made B longer: the difference of the own times. All of them add up to that of the traces' work. */
  effect: Seconds
}

/** Less than this is no difference: a millisecond, or a tenth of the longer. */
function differs(a: Seconds, b: Seconds): boolean {
  return Math.abs(b - a) > Math.max(0.001, 0.1 * Math.max(a, b))
}

interface Draft {
  pair: Pair
  a: Span[]
  b: Span[]
}

/** align puts two traces together by the path of names. Several calls of one name from one place are taken together. */
export function align(a: Trace, b: Trace): Pair[] {
  const roots = pairs(null, a.roots, b.roots, a.start, b.start)
  const ordered: Pair[] = []
  const waiting = [...roots].reverse()
  for (let at = waiting.pop(); at; at = waiting.pop()) {
    const { pair } = at
    pair.index = ordered.length
    ordered.push(pair)
    const below = pairs(pair, called(at.a), called(at.b), a.start, b.start)
    pair.children = below.map((one) => one.pair)
    for (let i = below.length - 1; i >= 0; i--) waiting.push(below[i]!)
  }
  for (let i = ordered.length - 1; i >= 0; i--) ordered[i]!.last = ordered[i]!.children.at(-1)?.last ?? i
  return ordered
}

function called(spans: readonly Span[]): Span[] {
  return spans.flatMap((span) => span.children.filter((child) => !isStandIn(child)))
}

/** pairs puts together what has the same name, in the order of the first starts. */
function pairs(parent: Pair | null, a: readonly Span[], b: readonly Span[], startA: Seconds, startB: Seconds): Draft[] {
  const drafts = new Map<string, Draft & { first: Seconds }>()
  const put = (span: Span, side: 'a' | 'b', start: Seconds) => {
    const subsegment = span.segment !== span
    const callee = subsegment ? (span.children.find((child) => child.segment === child)?.service ?? null) : null
    // Calls of two tables are two places, though both are called DynamoDB.
    const key = subsegment ? `sub>${span.name}>${callee?.key ?? ''}` : `seg>${span.service.key}`
    let draft = drafts.get(key)
    if (!draft) {
      const pair: Pair = { index: 0, last: 0, depth: parent ? parent.depth + 1 : 0, parent, children: [], name: subsegment ? span.name : span.service.name, callee, service: span.service, subsegment, a: null, b: null, difference: 'same', effect: 0 }
      draft = { pair, a: [], b: [], first: span.start - start }
      drafts.set(key, draft)
    }
    draft[side].push(span)
    draft.first = Math.min(draft.first, span.start - start)
  }
  for (const span of a) put(span, 'a', startA)
  for (const span of b) put(span, 'b', startB)
  for (const draft of drafts.values()) {
    const { pair } = draft
    pair.a = sideOf(draft.a)
    pair.b = sideOf(draft.b)
    pair.effect = (pair.b?.own ?? 0) - (pair.a?.own ?? 0)
    pair.difference = !pair.a ? 'new' : !pair.b ? 'missing' : !differs(pair.a.total, pair.b.total) ? 'same' : pair.b.total > pair.a.total ? 'longer' : 'shorter'
  }
  return [...drafts.values()].sort((x, y) => x.first - y.first)
}

function sideOf(spans: readonly Span[]): Side | null {
  if (spans.length === 0) return null
  let total = 0
  let own = 0
  for (const span of spans) {
    total += span.end - span.start
    own += span.own
    for (const child of span.children) if (isStandIn(child)) own += child.own
  }
  return { spans, total, own }
}

/** byEffect lists what makes the traces differ, the most first, leaving out what does not. */
export function byEffect(aligned: readonly Pair[]): Pair[] {
  return aligned
    .filter((pair) => pair.difference === 'new' || pair.difference === 'missing' || differs(pair.a!.own, pair.b!.own) || pair.a!.spans.length !== pair.b!.spans.length)
    .sort((x, y) => Math.abs(y.effect) - Math.abs(x.effect) || x.index - y.index)
}

/** pathOf is the names from the root down to a place. */
export function pathOf(pair: Pair): string[] {
  const names: string[] = []
  for (let at: Pair | null = pair; at; at = at.parent) names.push(at.name)
  return names.reverse()
}

/** What a trace is, in figures. */
export interface Totals {
  response: Seconds | null
  duration: Seconds
  /** All own times: the work, also what ran at the same time. */
  work: Seconds
  spans: number
  segments: number
  services: number
  failed: number
}

export function totalsOf(trace: Trace): Totals {
  const totals: Totals = { response: trace.root && !trace.root.open ? trace.root.end - trace.root.start : null, duration: trace.end - trace.start, work: 0, spans: 0, segments: 0, services: trace.services.length, failed: 0 }
  for (const span of trace.spans) {
    totals.work += span.own
    if (isStandIn(span) || (span.parent && isStandIn(span.parent))) continue
    totals.spans++
    if (span.segment === span) totals.segments++
    if (span.outcome !== 'ok') totals.failed++
  }
  return totals
}
