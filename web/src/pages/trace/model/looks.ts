import type { Seconds } from '../../../api/xray'
import type { Outcome } from '../../../model/outcome'
import type { Service, Span, Trace } from './tree'

/** isNode says whether a node of the map is a service. Nodes have an account too, which segments need not tell. */
export function isNode(service: Service, node: string): boolean {
  return node === service.key || node.startsWith(service.type ? `${service.key}|` : `${service.key}||`)
}

/** How many colours services have: .s0 and so on in trace.module.css. */
export const colours = 10

/** coloursOf gives each service of a trace a colour: that of its name, or the next where another has it. */
export function coloursOf(trace: Trace): ReadonlyMap<string, number> {
  const given = new Map<string, number>()
  const taken = new Set<number>()
  for (const { key, name } of trace.services) {
    if (taken.size === colours) taken.clear()
    let colour = hash(name) % colours
    while (taken.has(colour)) colour = (colour + 1) % colours
    taken.add(colour)
    given.set(key, colour)
  }
  return given
}

/** hash is FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}

const rank: Record<Outcome, number> = { ok: 0, error: 1, throttle: 2, fault: 3 }

/** worstInside is the worst outcome of each span and all that is below it. */
export function worstInside(trace: Trace): Outcome[] {
  const worst: Outcome[] = trace.spans.map((span) => span.outcome)
  for (let i = trace.spans.length - 1; i >= 0; i--) {
    const parent = trace.spans[i]!.parent
    if (parent && rank[worst[i]!] > rank[worst[parent.index]!]) worst[parent.index] = worst[i]!
  }
  return worst
}

/** A part of the strip that shows a whole trace. */
export interface Block {
  outcome: Outcome
  /** from 0 to 1 */
  from: number
  to: number
  /** A line of the strip. */
  line: number
}

/** strip puts all spans into so many lines, in their order. Where lines hold several, each outcome has one block. */
export function strip(trace: Trace, lines: number): Block[] {
  const length = trace.end - trace.start || 1
  const blocks = new Map<string, Block>()
  const n = trace.spans.length
  for (const span of trace.spans) {
    const line = n <= lines ? span.index : Math.floor((span.index / n) * lines)
    const from = Math.max(0, (span.start - trace.start) / length)
    const to = Math.max(from, Math.min(1, (span.end - trace.start) / length))
    const key = `${line},${span.outcome}`
    const known = blocks.get(key)
    if (known) Object.assign(known, { from: Math.min(known.from, from), to: Math.max(known.to, to) })
    else blocks.set(key, { outcome: span.outcome, from, to, line })
  }
  return [...blocks.values()].sort((a, b) => rank[a.outcome] - rank[b.outcome])
}

/** What a trace lacks, or has that cannot be. */
export interface Lacks {
  limit: boolean
  open: number
  /** Segments whose callers are not there. */
  parentless: readonly Span[]
  rootless: boolean
  /** Subsegments came, but no segment. */
  pieces: boolean
  unreadable: number
  circles: number
  backwards: number
}

export function lacksOf(trace: Trace): Lacks {
  const lacks = { limit: trace.limitExceeded, open: 0, parentless: [] as Span[], rootless: trace.root === null && trace.spans.length > 0, pieces: trace.spans.length === 0, unreadable: trace.unreadable, circles: 0, backwards: 0 }
  for (const span of trace.spans) {
    if (span.open && !span.inferred) lacks.open++
    if (span.missing) lacks.parentless.push(span)
    if (span.looped) lacks.circles++
    if (span.backwards) lacks.backwards++
  }
  return lacks
}

/** How long after its last sign of life a trace is looked at again by itself. */
const lively = 30
/** What is in progress for longer than this will hardly end while somebody looks. */
const patience = 15 * 60

/** isLively says whether more of a trace may come soon. */
export function isLively(trace: Trace, now: Seconds): boolean {
  if (trace.spans.length === 0) return true
  const quiet = now - trace.end
  return quiet < lively || (quiet < patience && trace.spans.some((span) => span.open))
}
