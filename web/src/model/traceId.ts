/** A trace, and a segment in it if the text named one. */
export interface TraceName {
  /** as X-Ray writes it: 1-8 hex digits-24 hex digits, in lower case */
  trace: string
  span?: string
}

/**
 * parseTraceId reads the ways in which the id of a trace is written: X-Ray's, the 32 hex digits of W3C and
 * OpenTelemetry, a traceparent, or a header X-Amzn-Trace-Id. Null if it is none of them.
 */
export function parseTraceId(written: string): TraceName | null {
  const text = written.trim().replace(/^["'`]+|["'`,;]+$/g, '').toLowerCase()
  const xray = /^1-([0-9a-f]{8})-([0-9a-f]{24})$/.exec(text)
  if (xray) return { trace: text }
  const w3c = /^([0-9a-f]{8})([0-9a-f]{24})$/.exec(text)
  if (w3c) return { trace: `1-${w3c[1]}-${w3c[2]}` }
  const traceparent = /^[0-9a-f]{2}-([0-9a-f]{8})([0-9a-f]{24})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(text)
  if (traceparent) return { trace: `1-${traceparent[1]}-${traceparent[2]}`, span: traceparent[3]! }
  const header = /(?:^|[:;,\s])root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?=$|[;,\s])/.exec(text)
  if (!header) return null
  const parent = /(?:^|[:;,\s])parent=([0-9a-f]{16})(?=$|[;,\s])/.exec(text)
  return parent ? { trace: header[1]!, span: parent[1]! } : { trace: header[1]! }
}

/** w3cId is the id as W3C and OpenTelemetry write it. */
export function w3cId(trace: string): string {
  return trace.slice(2).replace('-', '')
}

/**
 * timeOf is when a trace began by its id, in seconds since 1970: null where that makes no sense, as in random ids.
 */
export function timeOf(trace: string, now: number): number | null {
  const seconds = Number.parseInt(trace.slice(2, 10), 16)
  return seconds > now - 366 * 86_400 && seconds < now + 86_400 ? seconds : null
}
