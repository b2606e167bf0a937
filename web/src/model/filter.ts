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

/** A range of times that requests take. */
export interface TimeRange {
  low: Seconds
  high: Seconds
}

/** conditions writes what requests have to be like; '' if they may be like anything. The upper end of a time is not in it. */
export function conditions(ended: ReadonlySet<Outcome>, time: TimeRange | null): string {
  const parts: string[] = []
  if (ended.size > 0 && ended.size < outcomes.length) {
    const words = outcomes.filter((outcome) => ended.has(outcome)) // each is a keyword, and no request has two
    parts.push(words.length === 1 || !time ? words.join(' OR ') : `(${words.join(' OR ')})`)
  }
  if (time) parts.push(timesBelow('responsetime', time))
  return parts.join(' AND ')
}

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

/**
 * outer finds the words that stand outside of brackets and texts, as AND and OR that tie
 * the parts of an expression.
 */
function outer(expression: string): { word: string; at: number }[] {
  const words: { word: string; at: number }[] = []
  let depth = 0
  for (const token of expression.matchAll(/"(?:\\.|[^"\\])*"?|[({[]|[)}\]]|[\w.]+/g)) {
    const text = token[0]
    if ('({['.includes(text)) depth++
    else if (')}]'.includes(text)) depth--
    else if (depth === 0) words.push({ word: text.toUpperCase(), at: token.index })
  }
  return words
}

function hasOuterOr(expression: string): boolean {
  return outer(expression).some(({ word }) => word === 'OR')
}

/** not is the contrary of an expression. */
export function not(expression: string): string {
  return `!(${expression})`
}

/**
 * conjuncts are the parts that AND ties at the outside. An expression that has an OR
 * there is one part; so are conditions with nothing between.
 */
export function conjuncts(expression: string): string[] {
  const parts: string[] = []
  let from = 0
  if (!hasOuterOr(expression)) {
    for (const { word, at } of outer(expression)) {
      if (word !== 'AND') continue
      parts.push(expression.slice(from, at))
      from = at + word.length
    }
  }
  parts.push(expression.slice(from))
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** has says whether a condition is one of the conjuncts of an expression. */
export function has(expression: string, condition: string): boolean {
  return conjuncts(expression).includes(condition.trim())
}

/** without is an expression without a condition, or without the conjunct at a place. */
export function without(expression: string, condition: string | number): string {
  return conjuncts(expression)
    .filter((part, i) => (typeof condition === 'number' ? i !== condition : part !== condition.trim()))
    .join(' AND ')
}

/** toggle leaves a condition out if it is there, and adds it if not. The contrary is left out in any case. */
export function toggle(expression: string, condition: string): string {
  if (has(expression, condition)) return without(expression, condition)
  return and(without(without(expression, not(condition)), positive(condition)), condition)
}

function positive(condition: string): string {
  return /^!\((.*)\)$/s.exec(condition)?.[1] ?? not(condition)
}

/** withoutLast leaves the last condition out, and says which; null if there is only one, or none. */
export function withoutLast(expression: string): { rest: string; last: string } | null {
  const parts = conjuncts(expression)
  const last = parts.pop()
  return last === undefined || parts.length === 0 ? null : { rest: parts.join(' AND '), last }
}

/** The keyword of a time. */
export type Timed = 'duration' | 'responsetime'

/** withTimes narrows an expression to times, both ends included; what it said of them before is replaced. */
export function withTimes(expression: string, keyword: Timed, times: TimeRange): string {
  const bound = new RegExp(`^${keyword}\\s*(?:<|>|<=|>=)\\s*[\\d.]+(?:e[+-]?\\d+)?$`, 'i')
  const rest = conjuncts(expression).filter((part) => !bound.test(part))
  return and(rest.length === 1 ? rest[0] : rest.join(' AND '), timesUpTo(keyword, times))
}

/** timesUpTo is what takes from low to high, both included. */
export function timesUpTo(keyword: Timed, { low, high }: TimeRange): string {
  return `${keyword} >= ${number(low)} AND ${keyword} <= ${number(high)}`
}

/** timesBelow is what takes from low to high, which is not included: as bars of a histogram are. */
export function timesBelow(keyword: Timed, { low, high }: TimeRange): string {
  return `${keyword} >= ${number(low)} AND ${keyword} < ${number(high)}`
}
