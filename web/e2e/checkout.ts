// A trace that has a bit of everything: what the tests and the pictures of one trace look at.
import type { Document } from './shop'

export interface CheckoutOptions {
  /** Seconds that the bank takes longer than usual. */
  slow?: number
  /** The bank answers; the card is charged. */
  ok?: boolean
  /** The recommendations are asked too. */
  recommended?: boolean
  /** Another trace that led to this one. */
  from?: string
}

/** traceId makes an id of the second in which a trace began, and a number. */
export function traceId(began: number, n: number): string {
  return `1-${Math.floor(began).toString(16).padStart(8, '0')}-${n.toString(16).padStart(24, '0')}`
}

/** checkout is a request that buys something: 30 segments and subsegments of seven services. Its ids are the same each time. */
export function checkout(trace_id: string, began: number, { slow = 0, ok = false, recommended = true, from }: CheckoutOptions = {}): Document[] {
  const at = (millis: number) => Number((began + millis / 1000).toFixed(6))
  const s = slow * 1000
  const id = (letter: string, n: number) => `${letter}${n.toString(16).padStart(15, '0')}`
  const sub = (n: number, name: string, start: number, end: number | null, more: object = {}) => ({ id: id('b', n), name, start_time: at(start), ...(end === null ? { in_progress: true } : { end_time: at(end) }), ...more })
  const status = ok ? 200 : 502
  const failed = ok ? {} : { fault: true }
  const url = 'https://www.shop.example/checkout?basket=4711'
  const end = 480 + s
  const documents: Document[] = [
    {
      trace_id,
      id: id('a', 1),
      name: 'www.shop.example',
      origin: 'AWS::ApiGateway::Stage',
      start_time: at(0),
      end_time: at(end),
      ...failed,
      user: 'ada',
      http: { request: { method: 'POST', url, client_ip: '203.0.113.7', user_agent: 'Mozilla/5.0 (X11; Linux x86_64)', x_forwarded_for: true }, response: { status, content_length: 812 } },
      aws: { account_id: '123456789012', api_gateway: { rest_api_id: 'a1b2c3', stage: 'prod', request_id: '5c1c9d2e-1f6a-4b7e-9c59-0a8d1e3f7b21' } },
      annotations: { tier: 'edge', tenant: 'acme' },
      ...(from ? { links: [{ trace_id: from, id: id('a', 1), attributes: { 'aws.xray.reserved.reference_type': 'parent', 'aws.xray.reserved.names': ['campaign-mails'], 'aws.xray.reserved.type': 'AWS::SQS::Queue' } }] } : {}),
      subsegments: [sub(1, 'storefront', 2, end - 2, { namespace: 'remote', ...failed, http: { request: { method: 'POST', url: 'http://storefront.internal/checkout' }, response: { status } } })],
    },
    {
      trace_id,
      id: id('a', 2),
      parent_id: id('b', 1),
      name: 'storefront',
      origin: 'AWS::ECS::Container',
      start_time: at(4),
      end_time: at(end - 4),
      ...failed,
      http: { request: { method: 'POST', url: 'http://storefront.internal/checkout' }, response: { status } },
      aws: { ecs: { container: 'storefront-7f9c', task_family: 'storefront' }, xray: { sdk: 'X-Ray for Node.js', sdk_version: '3.10.3', sampling_rule_name: 'checkouts' } },
      service: { version: '2026.11.3', runtime: 'node', runtime_version: 'v24.1.0' },
      annotations: { version: '2026.11.3', basket_size: 3, express: true },
      metadata: { default: { feature_flags: { new_checkout: true, cohort: 'B', weights: [0.2, 0.8] }, basket: { id: 4711, items: [{ sku: 'teapot-blue', count: 1 }, { sku: 'cup', count: 6 }, { sku: 'tray', count: 1 }] } }, timing: { queue_ms: 1.4 } },
      ...(ok ? {} : { cause: 'e000000000000001' }),
      subsegments: [
        sub(2, 'read session', 6, 14, { subsegments: [sub(3, 'sessions', 7, 13, { namespace: 'remote', name: 'Redis' })] }),
        sub(4, 'DynamoDB', 16, 31, { namespace: 'aws', aws: { operation: 'GetItem', table_name: 'baskets', region: 'eu-central-1', request_id: 'JQ5U1A8T1RVGKNUKV3IF4FSNSJVV4KQNSO5AEMVJF66Q9ASUAAJG', retries: 0, consistent_read: true }, http: { response: { status: 200 } } }),
        sub(5, 'DynamoDB', 31, 52, { namespace: 'aws', error: true, throttle: true, aws: { operation: 'UpdateItem', table_name: 'stock', region: 'eu-central-1', retries: 2 }, http: { response: { status: 400 } } }),
        ...(recommended ? [sub(6, 'recommendations', 55, 118, { namespace: 'remote', http: { request: { method: 'GET', url: 'http://recommendations.internal/for/ada' }, response: { status: 200 } } })] : []),
        sub(7, 'payments', 150, 430 + s, { namespace: 'remote', ...failed, http: { request: { method: 'POST', url: 'http://payments.internal/charge' }, response: { status } } }),
        sub(8, 'render', 432 + s, 468 + s, { subsegments: [sub(9, 'template', 434 + s, 452 + s), sub(10, 'compress', 456 + s, 467 + s)] }),
        sub(11, 'SQS', 470 + s, 475 + s, { namespace: 'aws', aws: { operation: 'SendMessage', queue_url: 'https://sqs.eu-central-1.amazonaws.com/123456789012/order-events', region: 'eu-central-1', message_id: '219f8380-5770-4cc2-8c3e-5c715e145f5e' }, http: { response: { status: 200 } } }),
      ],
    },
    {
      trace_id,
      id: id('a', 4),
      parent_id: id('b', 7),
      name: 'payments',
      origin: 'AWS::ElasticBeanstalk::Environment',
      // Its clock is 22 ms behind.
      start_time: at(128),
      end_time: at(402 + s),
      ...failed,
      http: { request: { method: 'POST', url: 'http://payments.internal/charge' }, response: { status } },
      aws: { elastic_beanstalk: { environment_name: 'payments-prod', version_label: 'v118', deployment_id: 118 }, ec2: { instance_id: 'i-0a1b2c3d4e5f', availability_zone: 'eu-central-1b' }, xray: { sdk: 'X-Ray for Java', sdk_version: '2.18.1' } },
      annotations: { provider: 'northbank' },
      ...(ok
        ? {}
        : {
            cause: {
              working_directory: '/srv/payments',
              exceptions: [
                { id: 'e000000000000001', type: 'com.shop.payments.ChargeFailed', message: 'The bank did not answer in 250 ms', cause: 'e000000000000002', stack: [{ label: 'charge', path: 'com/shop/payments/Charge.java', line: 88 }, { label: 'handle', path: 'com/shop/payments/Server.java', line: 41 }, { label: 'run', path: 'java/lang/Thread.java', line: 1583 }], truncated: 14 },
                { id: 'e000000000000002', type: 'java.net.SocketTimeoutException', message: 'Read timed out', remote: true, stack: [{ label: 'read', path: 'java/net/SocketInputStream.java', line: 283 }] },
              ],
            },
          }),
      subsegments: [
        sub(12, 'ledger@db.internal', 132, 158, { namespace: 'remote', sql: { url: 'jdbc:postgresql://db.internal:5432/ledger', preparation: 'statement', database_type: 'PostgreSQL', database_version: '16.4', driver_version: '42.7.4', user: 'payments', sanitized_query: 'SELECT card.id, card.provider\n  FROM cards card\n  JOIN customers c ON c.id = card.customer_id\n WHERE c.name = ?\n ORDER BY card.used_at DESC\n LIMIT 1' } }),
        sub(13, 'sign', 160, 164),
        sub(14, 'api.northbank.example', 166, 392 + s, { namespace: 'remote', ...failed, http: { request: { method: 'POST', url: 'https://api.northbank.example/v2/charges' }, response: { status: ok ? 201 : 504 } } }),
      ],
    },
    {
      trace_id,
      id: id('a', 5),
      parent_id: id('b', 11),
      name: 'fulfilment',
      origin: 'AWS::Lambda::Function',
      start_time: at(485 + s),
      in_progress: true,
      annotations: { retries: 0 },
      subsegments: [sub(15, 'DynamoDB', 490 + s, 498 + s, { namespace: 'aws', aws: { operation: 'UpdateItem', table_name: 'stock', region: 'eu-central-1' } }), sub(16, 'pick items', 500 + s, null)],
    },
  ]
  if (recommended) {
    documents.push({
      trace_id,
      id: id('a', 3),
      parent_id: id('b', 6),
      name: 'recommendations',
      origin: 'AWS::Lambda::Function',
      start_time: at(61),
      end_time: at(115),
      http: { response: { status: 200 } },
      subsegments: [sub(17, 'Initialization', 61, 92), sub(18, 'load model', 92, 108, { subsegments: [sub(19, 'S3', 94, 106, { namespace: 'aws', aws: { operation: 'GetObject', bucket_name: 'models', key: 'tea-2026-11.bin', region: 'eu-central-1' }, http: { response: { status: 200, content_length: 1048576 } } })] }), sub(20, 'score', 109, 114)],
    })
  }
  return documents
}

/** crowd is a trace of so many segments and subsegments: a service calls others in turn, each of which works. */
export function crowd(trace_id: string, began: number, n: number): Document[] {
  const at = (millis: number) => Number((began + millis / 1000).toFixed(6))
  const hex = (letter: string, i: number) => `${letter}${i.toString(16).padStart(15, '0')}`
  const documents: Document[] = []
  const calls = Math.floor((n - 1) / 4)
  const size = 50 // calls of one segment
  for (let first = 0; first < calls; first += size) {
    const part = first / size
    const inside = []
    for (let i = first; i < Math.min(first + size, calls); i++) {
      inside.push({ id: hex('b', i), name: `worker-${i % 12}`, namespace: 'remote', start_time: at(i), end_time: at(i + 0.9), http: { request: { method: 'GET', url: `http://worker-${i % 12}.internal/items/${i}` }, response: { status: i % 97 === 5 ? 500 : 200 } } })
      documents.push({
        trace_id,
        id: hex('c', i),
        parent_id: hex('b', i),
        name: `worker-${i % 12}`,
        origin: i % 3 === 0 ? 'AWS::ECS::Container' : 'AWS::EC2::Instance',
        start_time: at(i + 0.1),
        end_time: at(i + 0.8),
        ...(i % 97 === 5 ? { fault: true } : {}),
        annotations: { item: i },
        http: { request: { method: 'GET', url: `http://worker-${i % 12}.internal/items/${i}` }, response: { status: i % 97 === 5 ? 500 : 200 } },
        subsegments: [
          { id: hex('d', i), name: 'decode', start_time: at(i + 0.15), end_time: at(i + 0.3) },
          { id: hex('e', i), name: 'store', start_time: at(i + 0.35), end_time: at(i + 0.7) },
        ],
      })
    }
    documents.push({ trace_id, id: hex('a', part), ...(part > 0 ? { parent_id: hex('a', 0) } : {}), name: part > 0 ? 'batch' : 'import', start_time: at(first), end_time: at(part > 0 ? Math.min(first + size, calls) : calls + 1), http: { request: { method: 'POST', url: 'http://import.internal/run' }, response: { status: 200 } }, subsegments: inside })
  }
  return documents
}
