// A trace to try things with.

function hex(digits: number): string {
  const raw = crypto.getRandomValues(new Uint8Array(digits / 2))
  return Array.from(raw, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** newTraceId makes an id of a trace that began then, in seconds since 1970. */
export function newTraceId(began: number): string {
  return `1-${Math.floor(began).toString(16).padStart(8, '0')}-${hex(24)}`
}

export function newSegmentId(): string {
  return hex(16)
}

/** sampleTrace is a request to a shop that ended just now: the payment failed. */
export function sampleTrace(now: number): object[] {
  const trace_id = newTraceId(now - 1)
  const at = (seconds: number) => now - 1 + seconds
  const [shop, call, payments, query] = [newSegmentId(), newSegmentId(), newSegmentId(), newSegmentId()]
  return [
    {
      trace_id,
      id: shop,
      name: 'shop',
      origin: 'AWS::EC2::Instance',
      start_time: at(0),
      end_time: at(0.42),
      fault: true,
      http: { request: { method: 'POST', url: 'https://shop.example/checkout', client_ip: '203.0.113.7', user_agent: 'sample' }, response: { status: 502 } },
      annotations: { basket: 3, sample: true },
      subsegments: [
        { id: newSegmentId(), name: 'read basket', start_time: at(0.01), end_time: at(0.06) },
        { id: query, name: 'orders@db.example', namespace: 'remote', start_time: at(0.07), end_time: at(0.12), sql: { database_type: 'PostgreSQL', url: 'jdbc:postgresql://db.example/orders', sanitized_query: 'SELECT * FROM orders WHERE id = ?' } },
        { id: call, name: 'payments', namespace: 'remote', start_time: at(0.13), end_time: at(0.4), fault: true, http: { request: { method: 'POST', url: 'https://payments.example/charge' }, response: { status: 502 } } },
      ],
    },
    {
      trace_id,
      id: payments,
      parent_id: call,
      name: 'payments',
      origin: 'AWS::ECS::Container',
      start_time: at(0.15),
      end_time: at(0.38),
      fault: true,
      http: { request: { method: 'POST', url: 'https://payments.example/charge' }, response: { status: 502 } },
      cause: { working_directory: '/srv', exceptions: [{ id: newSegmentId(), type: 'TimeoutError', message: 'the bank did not answer', stack: [{ path: 'charge.js', line: 42, label: 'charge' }] }] },
    },
  ]
}
