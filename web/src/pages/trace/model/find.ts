import { list, record } from './values'
import type { Entity } from '../../../api/traces'
import type { Span, Trace } from './tree'

/** What a reader searches for is looked for in this, by span. Traces do not change, so it is made once. */
const words = new WeakMap<Span, string>()

/** wordsOf is all that a document says, its keys of annotations and metadata too, but not what is embedded in it. */
export function wordsOf(span: Span): string {
  let known = words.get(span)
  if (known === undefined) {
    known = spell(span.document).toLowerCase()
    words.set(span, known)
  }
  return known
}

function spell(document: Entity): string {
  const said: string[] = []
  const waiting: { value: unknown; keys: boolean }[] = []
  for (const [key, value] of Object.entries(document)) {
    if (key !== 'subsegments' && key !== 'trace_id' && !key.endsWith('_time')) waiting.push({ value, keys: key === 'annotations' || key === 'metadata' })
    if (value === true) said.push(key)
  }
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value, keys } = next
    if (typeof value === 'string') said.push(value)
    else if (typeof value === 'number') said.push(String(value))
    else if (Array.isArray(value)) for (const one of list(value)) waiting.push({ value: one, keys })
    else {
      for (const [key, one] of Object.entries(record(value) ?? {})) {
        if (keys) said.push(key)
        waiting.push({ value: one, keys })
      }
    }
  }
  return said.join('\n')
}

/** find lists the spans that say a text, in any case, in the order of the trace. */
export function find(trace: Trace, wanted: string): number[] {
  const text = wanted.trim().toLowerCase()
  if (text === '') return []
  return trace.spans.filter((span) => wordsOf(span).includes(text)).map((span) => span.index)
}
