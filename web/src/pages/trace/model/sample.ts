// Traces for the tests of the model.
import type { Entity, TraceDocuments } from '../../../api/traces'
import { treeOf, type Span, type Trace } from './tree'

export const T = 1_700_000_000

/** documents makes an answer of the server. Times are seconds behind T. */
export function documents(...segments: Entity[]): TraceDocuments {
  return { Id: '1-6553f100-000000000000000000000001', Duration: null, LimitExceeded: false, Segments: segments.map((segment) => ({ Id: segment.id ?? '', Document: JSON.stringify(segment) })) }
}

export function tree(...segments: Entity[]): Trace {
  return treeOf(documents(...segments))
}

/** at is an entity from and to, in seconds behind T; without an end it is in progress. */
export function at(id: string, from: number, to: number | null, more: Entity = {}): Entity {
  return { id, name: id, start_time: T + from, ...(to === null ? { in_progress: true } : { end_time: T + to }), ...more }
}

/** shape writes a tree by the ids of its spans: a(b(c),d). */
export function shape(trace: Trace): string {
  const write = (span: Span): string => span.id + (span.children.length > 0 ? `(${span.children.map(write).join(',')})` : '')
  return trace.roots.map(write).join(' ')
}

/** shop is a request that comes by three services, one of which sends nothing. */
export function shop(slow = 0): Trace {
  return tree(
    at('shop', 0, 1 + slow, {
      http: { request: { method: 'GET', url: 'https://shop.example/buy?x=1' }, response: { status: 502 } },
      fault: true,
      user: 'ada',
      cause: 'e1',
      subsegments: [
        at('pay-call', 0.1, 0.6 + slow, { name: 'pay', namespace: 'remote', http: { response: { status: 500 } }, subsegments: [at('sign', 0.1, 0.15)] }),
        at('ddb', 0.7, 0.9, { name: 'DynamoDB', namespace: 'aws', aws: { operation: 'GetItem', table_name: 'carts' } }),
      ].map((one) => (one.id === 'pay-call' ? { ...one, end_time: T + 0.6 + slow } : { ...one, start_time: one.start_time! + slow, end_time: one.end_time! + slow })),
    }),
    at('pay', 0.2, 0.5 + slow, { parent_id: 'pay-call', origin: 'AWS::ECS::Container', fault: true, cause: { working_directory: '/srv', exceptions: [{ id: 'e1', type: 'Declined', message: 'no money', cause: 'e2', stack: [{ label: 'charge', path: 'pay.js', line: 7 }] }, { id: 'e2', type: 'BankError', remote: true, truncated: 3 }] } }),
    { ...at('ddb-inferred', 0.7 + slow, 0.9 + slow, { parent_id: 'ddb', name: 'DynamoDB', inferred: true, origin: 'AWS::DynamoDB::Table', aws: { operation: 'GetItem', table_name: 'carts' } }) },
  )
}
