// The traces of a made-up shop, the same for the same seed: what the tests of the
// console look at.

/** A segment document. */
export type Document = Record<string, unknown> & { trace_id: string; id: string }

/** random makes numbers from 0 to 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Service {
  name: string
  origin?: string
  millis: number
  fails: number // share of faults of its own
  throttles?: number
  calls: Call[]
}

type Call =
  | { to: string; chance?: number }
  | { table: string; operation: string; millis: number; throttles?: number }
  | { queue: string; millis: number }
  | { bucket: string; millis: number }
  | { sql: string; database: string; millis: number }
  | { remote: string; millis: number; fails: number }
  | { local: string; millis: number }

const services: Record<string, Service> = Object.fromEntries(
  (
    [
      { name: 'www.shop.example', origin: 'AWS::ApiGateway::Stage', millis: 3, fails: 0, calls: [{ to: 'storefront' }] },
      { name: 'storefront', origin: 'AWS::ECS::Container', millis: 9, fails: 0.002, calls: [{ local: 'render', millis: 5 }, { to: 'catalog', chance: 0.8 }, { to: 'basket', chance: 0.6 }, { to: 'checkout', chance: 0.35 }, { to: 'recommendations', chance: 0.3 }] },
      { name: 'catalog', origin: 'AWS::ECS::Container', millis: 6, fails: 0.001, calls: [{ table: 'products', operation: 'Query', millis: 7 }, { to: 'search', chance: 0.5 }, { bucket: 'product-images', millis: 14 }] },
      { name: 'search', origin: 'AWS::EC2::Instance', millis: 24, fails: 0.004, calls: [{ remote: 'opensearch.internal', millis: 31, fails: 0.003 }] },
      { name: 'basket', origin: 'AWS::Lambda::Function', millis: 8, fails: 0, calls: [{ table: 'baskets', operation: 'UpdateItem', millis: 6, throttles: 0.03 }] },
      { name: 'checkout', origin: 'AWS::ECS::Container', millis: 18, fails: 0.004, calls: [{ to: 'basket' }, { to: 'payments' }, { sql: 'INSERT INTO orders (customer, total) VALUES (?, ?)', database: 'orders', millis: 9 }, { queue: 'order-events', millis: 5 }] },
      { name: 'payments', origin: 'AWS::ElasticBeanstalk::Environment', millis: 22, fails: 0.01, calls: [{ remote: 'api.bank.example', millis: 160, fails: 0.05 }, { sql: 'SELECT * FROM cards WHERE customer = ?', database: 'ledger', millis: 6 }] },
      { name: 'recommendations', origin: 'AWS::Lambda::Function', millis: 70, fails: 0.006, calls: [{ table: 'profiles', operation: 'GetItem', millis: 5 }] },
      { name: 'fulfilment', origin: 'AWS::Lambda::Function', millis: 30, fails: 0.003, calls: [{ table: 'stock', operation: 'UpdateItem', millis: 8 }, { to: 'mailer' }] },
      { name: 'mailer', origin: 'AWS::EC2::Instance', millis: 12, fails: 0.02, calls: [{ remote: 'smtp.mail.example', millis: 80, fails: 0.01 }] },
    ] satisfies Service[]
  ).map((service) => [service.name, service]),
)

const pages = ['/', '/products/4711', '/products/99', '/basket', '/checkout', '/search?q=teapot', '/account']
const customers = ['ada', 'grace', 'linus', 'barbara', 'edsger', 'tony', 'frances']

/** Shop makes traces. */
export class Shop {
  private readonly next: () => number
  /** Services that fail more than usual for now, and the share of their requests. */
  trouble: Record<string, number> = {}

  constructor(seed = 1) {
    this.next = random(seed)
  }

  /** trace is one request that began then, in seconds since 1970. */
  trace(began: number): Document[] {
    const documents: Document[] = []
    const id = `1-${Math.floor(began).toString(16).padStart(8, '0')}-${this.hex(24)}`
    const entry = this.next() < 0.12 ? 'fulfilment' : 'www.shop.example'
    const slow = this.next() < 0.04 ? 4 + this.next() * 8 : 1
    this.run(id, services[entry]!, began, undefined, documents, slow, pages[Math.floor(this.next() * pages.length)]!)
    return documents
  }

  /** traces is so many requests, evenly over the seconds before the end. */
  traces(n: number, end: number, seconds: number): Document[] {
    return Array.from({ length: n }, (_, i) => this.trace(end - 2 - seconds + (seconds * i) / n)).flat()
  }

  /** past is what is received in each of the minutes before the end; trouble says what is broken then. */
  *past(end: number, minutes: number, perMinute: number | ((minutesLeft: number) => number), trouble: (minutesLeft: number) => Record<string, number> = () => ({})): Iterable<{ received: number; documents: Document[] }> {
    for (let left = minutes; left > 0; left--) {
      this.trouble = trouble(left)
      const received = Math.floor(end / 60) * 60 - 60 * left + 55
      yield { received, documents: this.traces(typeof perMinute === 'number' ? perMinute : Math.round(perMinute(left)), received, 50) }
    }
  }

  private run(trace_id: string, service: Service, began: number, parent_id: string | undefined, into: Document[], slow: number, path: string): { end: number; status: number } {
    const subsegments: Record<string, unknown>[] = []
    let now = began + this.spread(service.millis / 3, slow)
    let status = 200
    for (const call of service.calls) {
      if ('to' in call && call.chance !== undefined && this.next() > call.chance) continue
      const id = this.hex(16)
      const start = now
      const common = { id, start_time: start }
      if ('to' in call) {
        const callee = services[call.to]!
        const { end, status: answered } = this.run(trace_id, callee, start + 0.0005, id, into, slow, `/${call.to}`)
        now = end + 0.0005
        subsegments.push({ ...common, name: call.to, namespace: 'remote', end_time: now, ...flags(answered), http: { request: { method: 'POST', url: `http://${call.to}/` }, response: { status: answered } } })
        if (answered >= 500) status = 502
      } else if ('remote' in call) {
        now += this.spread(call.millis, slow)
        const failed = this.next() < call.fails
        subsegments.push({ ...common, name: call.remote, namespace: 'remote', end_time: now, ...flags(failed ? 504 : 200), http: { request: { method: 'POST', url: `https://${call.remote}/v1` }, response: { status: failed ? 504 : 200 } } })
        if (failed) status = 502
      } else if ('table' in call) {
        now += this.spread(call.millis, slow)
        const throttled = this.next() < (call.throttles ?? 0)
        subsegments.push({ ...common, name: 'DynamoDB', namespace: 'aws', end_time: now, ...(throttled ? { throttle: true, error: true } : {}), aws: { operation: call.operation, table_name: call.table, region: 'eu-central-1', request_id: this.hex(32) }, http: { response: { status: throttled ? 400 : 200 } } })
        if (throttled && status === 200) status = 429
      } else if ('queue' in call) {
        now += this.spread(call.millis, slow)
        subsegments.push({ ...common, name: 'SQS', namespace: 'aws', end_time: now, aws: { operation: 'SendMessage', queue_url: `https://sqs.eu-central-1.amazonaws.com/123456789012/${call.queue}`, region: 'eu-central-1' }, http: { response: { status: 200 } } })
      } else if ('bucket' in call) {
        now += this.spread(call.millis, slow)
        subsegments.push({ ...common, name: 'S3', namespace: 'aws', end_time: now, aws: { operation: 'GetObject', bucket_name: call.bucket, region: 'eu-central-1' }, http: { response: { status: 200 } } })
      } else if ('sql' in call) {
        now += this.spread(call.millis, slow)
        subsegments.push({ ...common, name: `${call.database}@db.shop.example`, namespace: 'remote', end_time: now, sql: { url: `jdbc:postgresql://db.shop.example/${call.database}`, database_type: 'PostgreSQL', database_version: '16.2', user: service.name, sanitized_query: call.sql } })
      } else {
        now += this.spread(call.millis, slow)
        subsegments.push({ ...common, name: call.local, end_time: now })
      }
    }
    now += this.spread(service.millis / 3, slow)
    let cause: object | undefined
    if (this.next() < (this.trouble[service.name] ?? service.fails)) {
      status = 500
      cause = { working_directory: '/srv/app', exceptions: [{ id: this.hex(16), type: 'IllegalState', message: `${service.name} lost its way`, stack: [{ path: 'app/handler.ts', line: 42, label: 'handle' }, { path: 'app/server.ts', line: 7, label: 'listen' }] }] }
    }
    if (status === 200 && this.next() < 0.02) status = 404
    const root = parent_id === undefined
    into.push({
      trace_id,
      id: this.hex(16),
      ...(root ? {} : { parent_id }),
      name: service.name,
      ...(service.origin ? { origin: service.origin } : {}),
      start_time: began,
      end_time: now,
      ...flags(status),
      ...(cause ? { cause } : {}),
      ...(root ? { user: customers[Math.floor(this.next() * customers.length)]! } : {}),
      annotations: { version: this.next() < 0.3 ? '2.1.0' : '2.0.4', ...(service.name === 'checkout' ? { basket_size: 1 + Math.floor(this.next() * 9) } : {}) },
      metadata: { default: { host: `${service.name}-${Math.floor(this.next() * 3)}` } },
      http: { request: { method: path === '/checkout' ? 'POST' : 'GET', url: `https://www.shop.example${path}`, client_ip: `203.0.113.${Math.floor(this.next() * 50)}`, user_agent: 'Mozilla/5.0' }, response: { status, content_length: 500 + Math.floor(this.next() * 9000) } },
      ...(subsegments.length > 0 ? { subsegments } : {}),
    } as Document)
    return { end: now, status }
  }

  /** spread is a time around a mean in milliseconds, with a long tail, in seconds. */
  private spread(millis: number, slow: number): number {
    return (millis / 1000) * (0.4 + 0.6 * -Math.log(1 - this.next() * 0.999)) * slow
  }

  private hex(digits: number): string {
    let text = ''
    while (text.length < digits) text += Math.floor(this.next() * 16).toString(16)
    return text
  }
}

function flags(status: number): Record<string, boolean> {
  if (status >= 500) return { fault: true }
  if (status === 429) return { error: true, throttle: true }
  return status >= 400 ? { error: true } : {}
}

/** send puts documents to a server, in batches. */
export async function send(server: string, documents: readonly Document[]): Promise<void> {
  for (let i = 0; i < documents.length; i += 40) {
    const answer = await fetch(`${server}/TraceSegments`, { method: 'POST', body: JSON.stringify({ TraceSegmentDocuments: documents.slice(i, i + 40).map((document) => JSON.stringify(document)) }) })
    const said = (await answer.json()) as { UnprocessedTraceSegments?: { Message: string }[]; message?: string }
    const refused = said.UnprocessedTraceSegments?.[0]
    if (!answer.ok || refused) throw new Error(`the server took not all: ${refused?.Message ?? said.message ?? answer.status}`)
  }
}
