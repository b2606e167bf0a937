// The tree of a trace, from its documents. A trace may be ten thousand segments deep, so nothing here calls itself.
import type { Entity, TraceDocuments } from '../../../api/traces'
import type { Seconds } from '../../../api/xray'
import { nodeKey } from '../../../model/graph'
import type { Outcome } from '../../../model/outcome'
import { number, record, text } from './values'

/** A segment or a subsegment. */
export interface Span {
  /** Its place in the trace's spans: parents before children, children by their start. */
  index: number
  /** The place of the last of its descendants; its own if it has none. */
  last: number
  depth: number
  id: string
  name: string
  document: Entity
  /** The segment that it is in; a segment is in itself. */
  segment: Span
  parent: Span | null
  /** By their start. */
  children: Span[]
  service: Service
  start: Seconds
  /** Of what is in progress, the end of the trace. Never before the start. */
  end: Seconds
  open: boolean
  inferred: boolean
  outcome: Outcome
  status: number | null
  /** The time in which none of its children ran. */
  own: Seconds
  /** The time before it began in which its parent did nothing that is recorded. */
  before: Interval | null
  /** The same behind it, up to the end of the parent. */
  behind: Interval | null
  /** The id of a parent that is not in the trace. */
  missing: string | null
  /** Its parent is one of its own descendants, so it was taken out of there. */
  looped: boolean
  /** It says that it ended before it began. */
  backwards: boolean
}

/** From and to, in seconds since 1970. */
export interface Interval {
  from: Seconds
  to: Seconds
}

/** What segments are of: a node of the map. */
export interface Service {
  key: string
  name: string
  type: string | null
  inferred: boolean
}

export interface Trace {
  id: string
  /** All of them, in the order in which they are drawn. */
  spans: readonly Span[]
  roots: readonly Span[]
  /** The segment that the request came to first; null while it is not there. */
  root: Span | null
  byId: ReadonlyMap<string, Span>
  /** By their first start. */
  services: readonly Service[]
  start: Seconds
  /** Never before the start. */
  end: Seconds
  limitExceeded: boolean
  /** Documents that could not be read. */
  unreadable: number
}

/** treeOf makes the tree of a trace. */
export function treeOf(documents: TraceDocuments): Trace {
  const { segments, unreadable } = parse(documents)
  const spans = flatten(segments)
  const byId = new Map<string, Span>()
  for (const span of spans) {
    if (span.id !== '' && !byId.has(span.id)) byId.set(span.id, span)
  }
  for (const span of spans) {
    if (span.segment !== span) continue
    const wanted = text(span.document.parent_id)
    if (wanted === null) continue
    const parent = byId.get(wanted)
    if (!parent) span.missing = wanted
    else if (parent === span) span.looped = true
    else span.parent = parent
  }
  for (const span of spans) span.parent?.children.push(span)
  for (const span of spans) if (span.children.length > 1) span.children.sort(byStart)

  const { start, end } = bounds(spans)
  for (const span of spans) if (span.open) span.end = Math.max(span.start, end)
  const roots = rootsOf(spans)
  const ordered = order(roots)
  for (const span of ordered) fill(span)
  const services = new Map<string, Service>()
  for (const span of ordered.filter((one) => one.segment === one).sort(byStart)) services.set(span.service.key, span.service)
  return {
    id: documents.Id,
    spans: ordered,
    roots,
    root: roots.find((span) => !span.inferred && span.missing === null && !span.looped) ?? null,
    byId,
    services: [...services.values()],
    start,
    end,
    limitExceeded: documents.LimitExceeded,
    unreadable,
  }
}

function parse(documents: TraceDocuments): { segments: Entity[]; unreadable: number } {
  const segments: Entity[] = []
  let unreadable = 0
  for (const { Document } of documents.Segments) {
    try {
      const parsed = record(JSON.parse(Document))
      if (parsed) segments.push(parsed)
      else unreadable++
    } catch {
      unreadable++
    }
  }
  return { segments, unreadable }
}

/** flatten makes spans of documents and of all that is embedded in them. */
function flatten(segments: readonly Entity[]): Span[] {
  const spans: Span[] = []
  const services = new Map<string, Service>()
  for (const document of segments) {
    const waiting: { document: Entity; parent: Span | null }[] = [{ document, parent: null }]
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      const span = spanOf(next.document, next.parent, services)
      spans.push(span)
      const inside = next.document.subsegments
      if (!Array.isArray(inside)) continue
      for (let i = inside.length - 1; i >= 0; i--) {
        const child = record(inside[i])
        if (child) waiting.push({ document: child, parent: span })
      }
    }
  }
  return spans
}

function spanOf(document: Entity, parent: Span | null, services: Map<string, Service>): Span {
  const start = number(document.start_time) ?? 0
  const end = number(document.end_time)
  const open = end === null
  const inferred = document.inferred === true
  const span = {
    index: 0,
    last: 0,
    depth: 0,
    id: text(document.id) ?? '',
    name: text(document.name) ?? '(no name)',
    document,
    parent,
    children: [],
    start,
    end: open ? start : Math.max(start, end),
    open,
    inferred,
    outcome: outcomeOf(document),
    status: statusOf(document),
    own: 0,
    before: null,
    behind: null,
    missing: null,
    looped: false,
    backwards: !open && end < start,
  } as unknown as Span
  span.segment = parent ? parent.segment : span
  if (parent) span.service = parent.service
  else {
    const service = serviceOf(document)
    const known = services.get(service.key)
    if (!known) services.set(service.key, service)
    span.service = known ?? service
  }
  return span
}

/** statusOf is the HTTP status that a document tells. */
export function statusOf(document: Entity): number | null {
  return number(record(record(document.http)?.['response'])?.['status'])
}

/** outcomeOf is how what a document tells of ended. Where several apply the worst counts; a status counts without its flag. */
export function outcomeOf(document: Entity): Outcome {
  const status = statusOf(document) ?? 0
  if (document.fault === true || (status >= 500 && status <= 599)) return 'fault'
  if (document.throttle === true || status === 429) return 'throttle'
  if (document.error === true || (status >= 400 && status <= 499)) return 'error'
  return 'ok'
}

/** serviceOf is the node of the map that a segment belongs to. An inferred one is named by the resource that was called. */
export function serviceOf(document: Entity): Service {
  const inferred = document.inferred === true
  const aws = record(document.aws)
  const resource = inferred && text(aws?.['operation']) ? ['table_name', 'bucket_name', 'queue_url', 'function_name', 'topic_arn'].map((key) => text(aws?.[key])).find((name) => name !== null) : undefined
  const name = resource ?? text(document.name) ?? '(no name)'
  const type = text(document.origin) ?? (inferred ? 'remote' : null)
  return { key: nodeKey({ name, type }), name, type, inferred }
}

/** bounds are the first start and the last end. A start of 0 is none, as long as there is another. */
function bounds(spans: readonly Span[]): { start: Seconds; end: Seconds } {
  let start = Infinity
  let end = -Infinity
  for (const span of spans) {
    if (span.start <= 0) continue
    start = Math.min(start, span.start)
    end = Math.max(end, span.end)
  }
  if (start === Infinity) {
    for (const span of spans) {
      start = Math.min(start, span.start)
      end = Math.max(end, span.end)
    }
  }
  return start === Infinity ? { start: 0, end: 0 } : { start, end }
}

/** rootsOf lists what has no parent, by start. A circle of parents is opened at its earliest segment. */
function rootsOf(spans: readonly Span[]): Span[] {
  const roots = spans.filter((span) => span.parent === null)
  // Most often all of them hang on these, and each only once.
  let reached = 0
  for (const waiting = [...roots]; waiting.length > 0; reached++) for (const child of waiting.pop()!.children) waiting.push(child)
  if (reached === spans.length) return roots.sort(byStart)
  const seen = new Set<Span>()
  const mark = (from: Span) => {
    const waiting = [from]
    for (let span = waiting.pop(); span; span = waiting.pop()) {
      if (seen.has(span)) continue
      seen.add(span)
      for (const child of span.children) waiting.push(child)
    }
  }
  for (const root of roots) mark(root)
  for (const span of spans.filter((one) => one.segment === one && !seen.has(one)).sort(byStart)) {
    if (seen.has(span)) continue
    span.looped = true
    span.parent!.children = span.parent!.children.filter((child) => child !== span)
    span.parent = null
    roots.push(span)
    mark(span)
  }
  return roots.sort(byStart)
}

function byStart(a: Span, b: Span): number {
  return a.start - b.start || b.end - a.end
}

/** order puts parents before children, and numbers them. */
function order(roots: readonly Span[]): Span[] {
  const ordered: Span[] = []
  const waiting = [...roots].reverse()
  for (let span = waiting.pop(); span; span = waiting.pop()) {
    span.index = ordered.length
    span.depth = span.parent ? span.parent.depth + 1 : 0
    ordered.push(span)
    for (let i = span.children.length - 1; i >= 0; i--) waiting.push(span.children[i]!)
  }
  for (let i = ordered.length - 1; i >= 0; i--) {
    const span = ordered[i]!
    const child = span.children.at(-1)
    span.last = child ? child.last : i
  }
  return ordered
}

/** fill finds a span's own time, and where nothing is recorded between its children. */
function fill(span: Span): void {
  let at = span.start
  let own = 0
  for (const child of span.children) {
    const from = Math.min(Math.max(child.start, span.start), span.end)
    if (from > at) {
      child.before = { from: at, to: from }
      own += from - at
    }
    at = Math.max(at, Math.min(child.end, span.end))
  }
  const child = span.children.at(-1)
  if (span.end > at) {
    if (child) child.behind = { from: at, to: span.end }
    own += span.end - at
  }
  span.own = own
}

/**
 * isStandIn says whether a segment stands for a service that sent none: it tells what its caller saw, so it is as
 * well shown with the call.
 */
export function isStandIn(span: Span): boolean {
  return span.inferred && span.segment === span && span.parent !== null && span.children.every((child) => child.segment === span && child.children.length === 0)
}

/** standIn is the inferred segment of a call. */
export function standIn(span: Span): Span | null {
  return span.children.find(isStandIn) ?? null
}

/** ownTime is a span's own time, and that of what stands for whom it called. */
export function ownTime(span: Span): Seconds {
  return span.children.reduce((own, child) => (isStandIn(child) ? own + child.own : own), span.own)
}

/** ancestors lists the parents of a span, the nearest first. */
export function ancestors(span: Span): Span[] {
  const above: Span[] = []
  for (let at = span.parent; at; at = at.parent) above.push(at)
  return above
}
