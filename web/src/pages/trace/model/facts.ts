// What the documents say of a segment, in the order in which it is shown.
import type { Seconds } from '../../../api/xray'
import { and, edge, number as seconds, of, quote, service as serviceOf } from '../../../model/filter'
import type { Outcome } from '../../../model/outcome'
import { list, number, record, scalar, text, type Values } from './values'
import { standIn, type Span, type Trace } from './tree'

/** A name and what it has for a value. */
export interface Fact {
  name: string
  value: string
}

export interface FactGroup {
  title: string
  facts: readonly Fact[]
}

/** As many facts of one block are listed; the raw document has all. */
const mostFacts = 300

/** flat lists all values of an object, with the names of what they are in. */
export function flat(value: unknown, most = mostFacts): Fact[] {
  const facts: Fact[] = []
  const waiting: { name: string; value: unknown; depth: number }[] = []
  const open = (name: string, of: unknown, depth: number) => {
    const inside: [string, unknown][] = Array.isArray(of) ? of.map((one, i) => [String(i), one]) : Object.entries(of as Values)
    for (let i = inside.length - 1; i >= 0; i--) waiting.push({ name: name ? `${name}.${inside[i]![0]}` : inside[i]![0], value: inside[i]![1], depth })
  }
  if (record(value)) open('', value, 1)
  for (let next = waiting.pop(); next && facts.length < most; next = waiting.pop()) {
    const { name, depth } = next
    const one = scalar(next.value)
    const flatList = Array.isArray(next.value) && next.value.every((item) => scalar(item) !== null)
    if (one !== null) facts.push({ name, value: one })
    else if (flatList) facts.push({ name, value: list(next.value).map(scalar).join(', ') })
    else if (next.value !== null && typeof next.value === 'object' && depth < 6) open(name, next.value, depth + 1)
    else if (next.value !== null && next.value !== undefined && next.value !== '') facts.push({ name, value: JSON.stringify(next.value) })
  }
  return facts
}

/** resources are where a segment ran and what a subsegment called. */
export function resources(span: Span): FactGroup[] {
  const groups: FactGroup[] = []
  const put = (title: string, facts: Fact[]) => facts.length > 0 && groups.push({ title, facts })
  const { document } = span
  put('Resource', [
    ...(text(document.origin) ? [{ name: 'origin', value: text(document.origin)! }] : []),
    ...(text(document.resource_arn) ? [{ name: 'resource_arn', value: text(document.resource_arn)! }] : []),
  ])
  const aws = record(document.aws) ?? {}
  const own = Object.fromEntries(Object.entries(aws).filter(([, value]) => !record(value)))
  put(span.segment === span && !span.inferred ? 'AWS' : 'AWS call', flat(own))
  for (const [block, value] of Object.entries(aws)) if (record(value)) put(blocks[block] ?? block, flat(value))
  put('Application', flat(document.service))
  return groups
}

const blocks: Record<string, string> = {
  xray: 'SDK and sampling',
  ec2: 'EC2 instance',
  ecs: 'ECS container',
  eks: 'EKS pod',
  elastic_beanstalk: 'Elastic Beanstalk',
  api_gateway: 'API Gateway',
  cloudwatch_logs: 'CloudWatch Logs',
}

/** http are the request and the response. */
export function http(span: Span): FactGroup[] {
  const block = record(span.document.http)
  return [
    { title: 'Request', facts: flat(block?.['request']) },
    { title: 'Response', facts: flat(block?.['response']) },
    { title: 'Other', facts: flat(block && Object.fromEntries(Object.entries(block).filter(([key]) => key !== 'request' && key !== 'response'))) },
  ].filter((group) => group.facts.length > 0)
}

export interface Sql {
  query: string | null
  facts: readonly Fact[]
}

export function sql(span: Span): Sql | null {
  const block = record(span.document.sql)
  if (!block) return null
  const { sanitized_query: query, ...rest } = block
  return { query: text(query), facts: flat(rest) }
}

export interface Annotation {
  key: string
  value: string | number | boolean
  /** The traces with the same. */
  filter: string
}

/** annotations of a span: those whose values can be searched. */
export function annotations(span: Span): Annotation[] {
  return Object.entries(record(span.document.annotations) ?? {}).flatMap(([key, value]) =>
    typeof value === 'string' || typeof value === 'boolean' || number(value) !== null ? [{ key, value: value as string, filter: annotationIs(key, value as string) }] : [],
  )
}

/** annotationIs is the expression for an annotation and its value. */
export function annotationIs(key: string, value: string | number | boolean): string {
  const name = /^[A-Za-z0-9_]+$/.test(key) ? `annotation.${key}` : /^[A-Za-z0-9_.]+$/.test(key) ? `annotation[${key}]` : `annotation[${quote(key)}]`
  return `${name} = ${typeof value === 'string' ? quote(value) : String(value)}`
}

/** A method and a URL as one line; null if neither is told. */
export function requestLine(span: Span): string | null {
  const request = record(record(span.document.http)?.['request'])
  return [text(request?.['method']), text(request?.['url'])].filter(Boolean).join(' ') || null
}

/** pathOfURL is what of a URL tells requests to one service apart. */
export function pathOfURL(url: string): string {
  return /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*(\/[^?#]*)?/i.exec(url)?.[1] ?? url
}

/** titleOf is a span as it is called in the waterfall: a call of AWS by its operation too. */
export function titleOf(span: Span): { name: string; note: string | null } {
  const { document } = span
  const aws = record(document.aws)
  const operation = span.segment === span && !span.inferred ? null : text(aws?.['operation'])
  const request = record(record(document.http)?.['request'])
  const url = text(request?.['url'])
  const method = text(request?.['method'])
  const query = text(record(document.sql)?.['sanitized_query'])
  const resource = ['table_name', 'bucket_name', 'queue_url', 'function_name', 'topic_arn'].map((key) => text(aws?.[key])).find((name) => name !== null)
  const last = resource?.includes('/') ? resource.slice(resource.lastIndexOf('/') + 1) : resource
  const note = operation ? [operation, last].filter(Boolean).join(' ') : query ? query.replace(/\s+/g, ' ') : url ? [method, pathOfURL(url)].filter(Boolean).join(' ') : null
  return { name: span.name, note }
}

/** traceTitle says what a trace is in a line: GET /checkout. */
export function traceTitle(trace: Trace): string {
  const root = trace.root ?? trace.roots[0]
  if (!root) return 'Trace'
  const request = record(record(root.document.http)?.['request'])
  const url = text(request?.['url'])
  const line = url ? [text(request?.['method']), pathOfURL(url)].filter(Boolean).join(' ') : root.service.name
  return line.length > 70 ? `${line.slice(0, 69)}…` : line
}

// Exceptions

export interface Frame {
  label: string | null
  path: string | null
  line: string | null
}

export interface Exception {
  id: string | null
  type: string | null
  message: string | null
  remote: boolean
  stack: readonly Frame[]
  /** Frames that were left out by who sent it. */
  truncated: number
  /** Exceptions left out between it and its cause. */
  skipped: number
  /** Where it was recorded. */
  span: Span
}

/** Exceptions, each the cause of the one before. */
export type Chain = readonly Exception[]

interface Recorded {
  exception: Exception
  cause: string | null
}

const indexes = new WeakMap<Trace, Map<string, Recorded>>()

/** recorded finds the exceptions of a trace by their ids. */
function recorded(trace: Trace): ReadonlyMap<string, Recorded> {
  let index = indexes.get(trace)
  if (!index) {
    index = new Map()
    for (const span of trace.spans) {
      for (const one of exceptionsIn(span)) if (one.exception.id && !index.has(one.exception.id)) index.set(one.exception.id, one)
    }
    indexes.set(trace, index)
  }
  return index
}

function exceptionsIn(span: Span): Recorded[] {
  return list(record(span.document.cause)?.['exceptions']).flatMap((value) => {
    const one = record(value)
    if (!one) return []
    const stack = list(one['stack']).flatMap((frame) => {
      const at = record(frame)
      return at ? [{ label: text(at['label']), path: text(at['path']), line: scalar(at['line']) }] : []
    })
    const exception: Exception = {
      id: text(one['id']),
      type: text(one['type']),
      message: text(one['message']),
      remote: one['remote'] === true,
      stack,
      truncated: number(one['truncated']) ?? 0,
      skipped: number(one['skipped']) ?? 0,
      span,
    }
    return [{ exception, cause: text(one['cause']) }]
  })
}

/** What a span says of why it failed. */
export interface Causes {
  chains: readonly Chain[]
  /** An exception that it names and that is not in the trace. */
  unknown: string | null
  directory: string | null
  message: string | null
}

/** causesOf follows the exceptions of a span, also to the segments where they were recorded. */
export function causesOf(span: Span, trace: Trace): Causes {
  const { cause } = span.document
  const block = record(cause)
  const index = recorded(trace)
  const own = exceptionsIn(span)
  const named = text(cause) ?? text(block?.['id'])
  const other = named === null ? undefined : index.get(named.toLowerCase()) ?? index.get(named)
  const heads = named !== null && own.length === 0 ? (other ? [other] : []) : own
  // What is the cause of another is not told twice.
  const caused = new Set(own.flatMap((one) => (one.cause && one.cause !== one.exception.id ? [one.cause] : [])))
  const first = heads.filter((one) => !(one.exception.id && caused.has(one.exception.id)))
  const chains = (first.length > 0 ? first : heads.slice(0, 1)).map((head) => {
    const chain: Exception[] = []
    const seen = new Set<Recorded>()
    for (let at: Recorded | undefined = head; at && !seen.has(at); ) {
      seen.add(at)
      chain.push(at.exception)
      const next: string | null = at.cause
      at = next === null ? undefined : (own.find((one) => one.exception.id === next) ?? index.get(next))
    }
    return chain
  })
  return { chains, unknown: named !== null && !other && own.length === 0 ? named : null, directory: text(block?.['working_directory']), message: text(block?.['message']) }
}

/** sourceOf is where a failure comes from: down the calls that failed, the last of them each time. */
export function sourceOf(span: Span): Span | null {
  let at = span
  for (;;) {
    const next = at.children.filter((child) => child.outcome !== 'ok').sort((a, b) => rank[b.outcome] - rank[a.outcome] || b.end - a.end)[0]
    if (!next || span.outcome === 'ok') break
    at = next
  }
  return at === span ? null : at
}

const rank: Record<Outcome, number> = { ok: 0, error: 1, throttle: 2, fault: 3 }

// Links

export interface TraceLink {
  trace: string
  id: string | null
  /** What the other trace is to this one. */
  relation: 'before' | 'behind' | 'linked'
  service: string | null
  span: Span
}

export function linksOf(span: Span): TraceLink[] {
  return list(span.document.links).flatMap((value) => {
    const link = record(value)
    const trace = text(link?.['trace_id'])
    if (!trace) return []
    const attributes = record(link?.['attributes'])
    const reference = attributes?.['aws.xray.reserved.reference_type']
    const service = [text(list(attributes?.['aws.xray.reserved.names'])[0]), text(attributes?.['aws.xray.reserved.type'])].filter(Boolean).join(', ')
    return [{ trace, id: text(link?.['id']), relation: reference === 'parent' ? ('before' as const) : reference === 'child' ? ('behind' as const) : ('linked' as const), service: service || null, span }]
  })
}

// Traces like this

export interface Likeness {
  label: string
  filter: string
}

const conditions: Record<Outcome, string> = { ok: 'ok', error: 'error', throttle: 'throttle', fault: 'fault' }

/** likenesses are expressions for traces that are like this one in what the reader looks at. */
export function likenesses(span: Span, trace: Trace): Likeness[] {
  const found: Likeness[] = []
  const put = (label: string, filter: string) => found.push({ label, filter })
  const took = span.end - span.start
  const block = (selector: string, what: string) => {
    put(what, selector)
    if (span.outcome !== 'ok') put(`${what}, ${span.outcome}`, of(selector, conditions[span.outcome]))
    if (span.status !== null) put(`${what}, status ${span.status}`, of(selector, `http.status = ${span.status}`))
    if (!span.open && took > 0) put(`${what}, as slow or slower`, of(selector, `responsetime >= ${seconds(floor(took))}`))
  }
  if (span.segment === span) block(serviceOf(span.service), `Through ${span.service.name}`)
  else {
    const callee = span.children.find((child) => child.segment === child)
    if (callee) block(edge(span.service, callee.service), `${span.service.name} calls ${callee.service.name}`)
    else put(`Through ${span.service.name}`, serviceOf(span.service))
  }
  const url = text(record(record(span.document.http)?.['request'])?.['url'])
  if (span === trace.root && url) put('Same URL', and(serviceOf(span.service), `http.url = ${quote(url)}`))
  const user = text(span.document.user)
  if (user) put(`User ${user}`, `user = ${quote(user)}`)
  const head = causesOf(span, trace).chains[0]?.[0]
  const ended = trace.root?.outcome
  if (head?.type && ended && ended !== 'ok') put(`Failed for ${head.type}`, `rootcause.${ended === 'fault' ? 'fault' : 'error'}.exception { name = ${quote(head.type)} }`)
  return found
}

/** floor leaves two digits, so that the time itself is not below. */
function floor(time: Seconds): Seconds {
  const unit = 10 ** Math.floor(Math.log10(time) - 1)
  return Math.floor(time / unit + 1e-9) * unit
}

/** callee is the service that a call went to, if it is known. */
export function callee(span: Span): Span | null {
  return standIn(span) ?? span.children.find((child) => child.segment === child) ?? null
}
