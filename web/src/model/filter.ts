// Filter expressions from what was chosen. The language is described in
// docs/filter-expressions.md.
import type { Seconds } from '../api/xray'
import { outcomes, type Outcome } from './outcome'

/** A node as expressions name it. */
export interface NodeName {
  name: string
  type: string | null
  account?: string | null
}

/** quote writes a text as the language wants it. */
export function quote(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&').replace(/[\u0000-\u001f\u007f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}

/** id names just one node. */
export function id(node: NodeName): string {
  const parts = [`name: ${quote(node.name)}`, `type: ${quote(node.type ?? '')}`]
  if (node.account) parts.push(`account.id: ${quote(node.account)}`)
  return `id(${parts.join(', ')})`
}

/** service selects the node, for a filter or a time series. */
export function service(node: NodeName): string {
  return `service(${id(node)})`
}

/** edge selects the calls from one node to another. */
export function edge(from: NodeName, to: NodeName): string {
  return `edge(${id(from)}, ${id(to)})`
}

/** A range of response times. The upper end is not in it. */
export interface TimeRange {
  low: Seconds
  high: Seconds
}

/** conditions writes what requests have to be like; '' if they may be like anything. */
export function conditions(ended: ReadonlySet<Outcome>, time: TimeRange | null): string {
  const parts: string[] = []
  if (ended.size > 0 && ended.size < outcomes.length) {
    const words = outcomes.filter((outcome) => ended.has(outcome)).map((outcome) => outcomeConditions[outcome])
    parts.push(words.length === 1 || !time ? words.join(' OR ') : `(${words.join(' OR ')})`)
  }
  if (time) parts.push(`responsetime >= ${number(time.low)} AND responsetime < ${number(time.high)}`)
  return parts.join(' AND ')
}

// In the language a throttled request is an error too.
const outcomeConditions: Record<Outcome, string> = { ok: 'ok', error: '(error AND !throttle)', throttle: 'throttle', fault: 'fault' }

/** number writes seconds to the microsecond, as they are compared. */
export function number(seconds: Seconds): string {
  return String(Number(seconds.toFixed(6)))
}

/** of narrows a selector of nodes or edges by conditions. */
export function of(selector: string, inside: string): string {
  return inside ? `${selector} { ${inside} }` : selector
}

/** and ties expressions; those that have an OR outside of brackets and texts get parentheses. */
export function and(...expressions: (string | null | undefined)[]): string {
  const some = expressions.map((expression) => expression?.trim() ?? '').filter((expression) => expression !== '')
  if (some.length < 2) return some[0] ?? ''
  return some.map((expression) => (hasOuterOr(expression) ? `(${expression})` : expression)).join(' AND ')
}

function hasOuterOr(expression: string): boolean {
  let depth = 0
  for (const token of expression.matchAll(/"(?:\\.|[^"\\])*"|[({[]|[)}\]]|\bor\b/gi)) {
    const text = token[0]
    if ('({['.includes(text)) depth++
    else if (')}]'.includes(text)) depth--
    else if (depth === 0 && text.toLowerCase() === 'or') return true
  }
  return false
}
