// What comes from outside is text and stays text: more than a thousand hostile strings
// in every member of documents that holds one, and in what people name things; then a
// reader goes to every page and clicks on whatever can be clicked.
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { quiet, serverWithPast, visitor, type Received } from './harness'
import type { Document as Segment } from './shop'

/** Kinds of hostile strings. Each is made with a number, so that every place gets another one, and what ran can be found. */
const kinds: readonly ((n: number) => string)[] = [
  // Markup that runs something wherever it is taken for markup.
  (n) => `<script>owned(${n})</script>`,
  (n) => `"><script>owned(${n})</script>`,
  (n) => `</script><script>owned(${n})</script>`,
  (n) => `</style><script>owned(${n})</script>`,
  (n) => `</title></textarea></noscript><script>owned(${n})</script>`,
  (n) => `--><script>owned(${n})</script><!--`,
  (n) => `]]><script>owned(${n})</script>`,
  (n) => `<ScRiPt/x>owned(${n})</sCrIpT>`,
  (n) => `<img src=x${n} onerror=owned(${n})>`,
  (n) => `'><img src="/owned-${n}" onerror="owned(${n})">`,
  (n) => `<svg onload=owned(${n})>`,
  (n) => `<svg><script>owned(${n})</script></svg>`,
  (n) => `<svg><a href="javascript:owned(${n})"><text y="20">click</text></a></svg>`,
  (n) => `<svg><animate onbegin=owned(${n}) attributeName=x dur=1s>`,
  (n) => `<svg><use href="data:image/svg+xml,<svg id=x onload=owned(${n})>#x">`,
  (n) => `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=owned(${n})&gt;">`,
  (n) => `<iframe srcdoc="<script>parent.owned(${n})</script>"></iframe>`,
  (n) => `<iframe src="javascript:parent.owned(${n})"></iframe>`,
  (n) => `<object data="data:text/html,<script>parent.owned(${n})</script>"></object>`,
  (n) => `<embed src="//owned.invalid/${n}">`,
  (n) => `<details open ontoggle=owned(${n})>x</details>`,
  (n) => `<input autofocus onfocus=owned(${n})>`,
  (n) => `<video><source onerror=owned(${n})></video>`,
  (n) => `" onmouseover="owned(${n})" x="`,
  (n) => `' autofocus onfocus='owned(${n})' x='`,
  (n) => '` onmouseover=owned(' + n + ') x=`',
  (n) => `<a href="javascript:owned(${n})">click</a>`,
  (n) => `<form action="javascript:owned(${n})"><button>click</button></form>`,
  (n) => `<base href="//owned.invalid/${n}/">`,
  (n) => `<meta http-equiv="refresh" content="0;url=//owned.invalid/${n}">`,
  (n) => `<link rel=stylesheet href="//owned.invalid/${n}.css">`,
  (n) => `<template shadowrootmode=open><script>owned(${n})</script></template>`,
  (n) => `&lt;script&gt;owned(${n})&lt;/script&gt;`,
  (n) => `&#60;img src=x onerror=owned(${n})&#62;`,
  // Addresses that are none.
  (n) => `javascript:owned(${n})`,
  (n) => `JaVaScRiPt:owned(${n})`,
  (n) => `java\nscript:owned(${n})`,
  (n) => `\u0001javascript:owned(${n})`,
  (n) => ` javascript://x%0Aowned(${n})`,
  (n) => `javascript:%6fwned(${n})`,
  (n) => `data:text/html,<script>opener.owned(${n})</script>`,
  (n) => `data:text/html;base64,${btoa(`<script>opener.owned(${n})</script>`)}`,
  (n) => `vbscript:owned(${n})`,
  (n) => `//owned.invalid/${n}`,
  (n) => `\\\\owned.invalid\\${n}`,
  (n) => `https://javascript:owned(${n})@owned.invalid/`,
  (n) => `../../../../console/api/session?${n}`,
  (n) => `http://[${n}`,
  // Templates, code and data of other languages.
  (n) => `{{constructor.constructor('owned(${n})')()}}`,
  (n) => `\${owned(${n})}`,
  (n) => `<%= owned(${n}) %>`,
  (n) => `#{owned(${n})} {{7*7}} [[\${7*7}]]`,
  (n) => `';owned(${n});//`,
  (n) => `\\";owned(${n});//`,
  (n) => `"}]},"x":{"owned":${n}`,
  (n) => `{"__proto__":{"polluted":${n}}}`,
  (n) => `\\u003cscript\\u003eowned(${n})\\u003c/script\\u003e`,
  (n) => `red;background:url(//owned.invalid/${n})`,
  (n) => `}*{background:url(/owned-${n})}`,
  (n) => `@import url(//owned.invalid/${n}.css);`,
  (n) => `expression(owned(${n}))`,
  (n) => `[click](javascript:owned(${n}))`,
  (n) => `![x](https://owned.invalid/${n}.png)`,
  (n) => `'; DROP TABLE traces; -- ${n}`,
  (n) => `") { fault } OR service("${n}`,
  (n) => `(a+)+$${n}`,
  (n) => `%s%n%x ${n} %00 %3Cscript%3E`,
  // Names that mean something to JavaScript.
  (n) => `__proto__${n % 2 ? '' : `.polluted${n}`}`,
  (n) => `constructor${n % 2 ? '' : `.prototype.polluted${n}`}`,
  (n) => (n % 2 ? 'hasOwnProperty' : `toString${n}`),
  // Characters that are not what they seem.
  (n) => `\u202E${n}gnp.exe\u202C\u2066\u2069`,
  (n) => `a\u0000b${n}`,
  (n) => Array.from({ length: 32 }, (_, i) => String.fromCharCode(i)).join('') + n,
  (n) => `\u2028\u2029\u0085${n}`,
  (n) => `\ufeff\u200b\u200d\u2060${n}`,
  (n) => `Z\u0351\u036b\u0343\u036a\u0302\u0348\u032a${'\u0321'.repeat(60)}${n}`,
  (n) => `\ud83d\udc68\u200d\ud83d\udc69\u200d\ud83d\udc67 \ud83d${n}`,
  (n) => `${'A'.repeat(900)}${n}`,
  (n) => `${'<div>'.repeat(180)}${n}`,
  (n) => `${'('.repeat(700)}${n}`,
  (n) => `${'\u3042'.repeat(300)} ${n}`,
]

let made = 0
/** The hostile strings that were sent. */
const sent = new Set<string>()

/** hostile makes another string of a kind. */
function hostile(kind: number): string {
  const text = kinds[kind % kinds.length]!(made++)
  sent.add(text)
  return text
}

/** nameOf is what may be in the name of a segment; X-Ray refuses other symbols. */
const nameOf = (text: string): string => text.replace(/[^\p{L}\p{N}\p{Z}_.:/%&#=+\\\-@]/gu, '').slice(0, 190) || 'nameless'

const hex = (n: number, digits: number) => n.toString(16).padStart(digits, '0')

/** documentsOf is a trace in which everything is of a few kinds: two services, one that calls the other, and a database. */
function documentsOf(began: number, trace: number, of: readonly number[], refused = false): Segment[] {
  const trace_id = `1-${hex(Math.floor(began), 8)}-${hex(trace, 24)}`
  let turn = 0
  const h = () => hostile(of[turn++ % of.length]!)
  const [a, b, call, sql] = ['a', 'b', 'c', 'd'].map((letter) => letter + hex(trace, 15)) as [string, string, string, string]
  const cause = () => ({
    working_directory: h(),
    paths: [h(), h()],
    exceptions: [
      { id: hex(trace * 4 + 1, 16), type: h(), message: h(), remote: true, cause: hex(trace * 4 + 2, 16), stack: [{ path: h(), line: 1, label: h() }, { path: h(), line: 2, label: h() }] },
      { id: hex(trace * 4 + 2, 16), type: h(), message: h(), truncated: 3, skipped: 2, stack: [{ path: h(), line: 1, label: h() }] },
    ],
  })
  const http = () => ({ request: { method: h(), url: h(), user_agent: h(), client_ip: h(), x_forwarded_for: true }, response: { status: 500, content_length: 7 } })
  const marks = () => ({ annotations: { [`a${turn}`]: h(), [h()]: h(), __proto__x: h(), constructor: h() }, metadata: { [h()]: { [h()]: h(), ['__proto__']: { polluted: h() }, list: [h(), { [h()]: [h()] }] }, default: { x: h() } } })
  const first = {
    trace_id,
    id: a,
    name: nameOf(h()),
    origin: trace % 3 ? 'AWS::ECS::Container' : h(),
    user: h(),
    start_time: began,
    end_time: began + 0.5,
    fault: true,
    http: http(),
    cause: cause(),
    service: { version: h(), runtime: h(), runtime_version: h(), compiler: h() },
    resource_arn: h(),
    aws: { account_id: h(), xray: { sdk: h(), sdk_version: h(), sampling_rule_name: h() }, ecs: { container: h(), container_id: h() }, ec2: { instance_id: h(), availability_zone: h() }, elastic_beanstalk: { environment_name: h(), version_label: h(), deployment_id: 1 }, cloudwatch_logs: [{ log_group: h(), arn: h() }] },
    ...marks(),
    subsegments: [
      { id: call, name: nameOf(h()), namespace: 'remote', start_time: began + 0.1, end_time: began + 0.4, fault: true, http: http(), cause: cause(), ...marks() },
      { id: sql, name: nameOf(h()), namespace: 'remote', start_time: began + 0.4, end_time: began + 0.45, sql: { url: h(), connection_string: h(), sanitized_query: h(), database_type: h(), database_version: h(), driver_version: h(), user: h(), preparation: 'statement' } },
      { id: `e${hex(trace, 15)}`, name: 'DynamoDB', namespace: 'aws', start_time: began + 0.45, end_time: began + 0.48, throttle: true, error: true, aws: { operation: h(), table_name: h(), region: h(), request_id: h(), queue_url: h(), bucket_name: h(), resource_names: [h()] } },
      { id: `f${hex(trace, 15)}`, name: nameOf(h()), start_time: began + 0.2, ...marks(), in_progress: true },
    ],
    links: [{ trace_id: `1-${hex(Math.floor(began), 8)}-${hex(trace + 1, 24)}`, id: a, attributes: { ReferenceType: h(), [h()]: h() } }],
  }
  const second = { trace_id, id: b, parent_id: call, name: nameOf(h()), origin: 'AWS::Lambda::Function', start_time: began + 0.15, end_time: began + 0.35, fault: true, user: h(), http: http(), cause: cause(), ...marks() }
  const bad = { trace_id, id: h(), name: h(), start_time: h() }
  // JSON.stringify and spreads lose a member called __proto__; parsing keeps it.
  return [first, second, ...(refused ? [bad] : [])].map((document) => document as unknown as Segment)
}

const perTrace = 4
const traces = Math.ceil(kinds.length / perTrace)
const kindsOf = (trace: number) => Array.from({ length: perTrace }, (_, i) => trace * perTrace + i)

/** The documents of the last minutes, with every kind of string. */
const now = Math.floor(Date.now() / 1000)
const everything = Array.from({ length: traces }, (_, i) => ({ at: now - 240 + i * 6, documents: documentsOf(now - 240 + i * 6, 1 + i, kindsOf(i)) }))

/** A service that always worked, until a while ago: there is an insight about it. Its name is the worst that names may be. */
function* past(): Generator<Received> {
  const bad = nameOf('javascript:owned%281%29//__proto__ &#60;script&#62;')
  for (let left = 130; left > 0; left--) {
    const received = now - left * 60
    const documents = Array.from({ length: 30 }, (_, i) => {
      const began = received - 3 + i / 30
      const fault = left <= 8 && i % 2 === 0
      return { trace_id: `1-${hex(Math.floor(began), 8)}-${hex(10_000 + left * 100 + i, 24)}`, id: hex(left * 100 + i, 16), name: bad, start_time: began, end_time: began + 0.1, ...(fault ? { fault, cause: { exceptions: [{ id: hex(i + 1, 16), type: `<img src=x onerror=owned(${i})>`, message: `javascript:owned(${i})`, stack: [] }] } } : {}) }
    })
    yield { received, documents }
  }
  for (const { at, documents } of everything) yield { received: at + 1, documents }
}

async function ask<Answer = Record<string, unknown>>(url: string, path: string, body: object, method = 'POST'): Promise<{ status: number; answer: Answer }> {
  const answer = await fetch(url + path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
  return { status: answer.status, answer: (await answer.json()) as Answer }
}

let settings = 0
/** settle puts strings into everything that people name: what the server refuses is left out. */
async function name(url: string): Promise<void> {
  const put = async (path: string, body: object, method?: string) => {
    if ((await ask(url, path, body, method)).status === 200) settings++
  }
  for (let i = 0; i < 20; i++) {
    const text = hostile(i * 4)
    await put('/CreateGroup', { GroupName: nameOf(text).replace(/[^\w-]/g, '').slice(0, 32) || `g${i}`, FilterExpression: `annotation.a${i} = ${JSON.stringify(text.replaceAll('\0', ''))} OR service(${JSON.stringify(nameOf(text))})`, Tags: [{ Key: `k${i}`, Value: nameOf(text) }] })
    await put('/CreateGroup', { GroupName: ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'][i % 5]! + (i < 5 ? '' : i), FilterExpression: `user = ${JSON.stringify(text)}` })
    const rule = (member: object, priority: number) => ({ SamplingRule: { RuleName: `rule${priority}`, ResourceARN: '*', Priority: priority, FixedRate: 0.1, ReservoirSize: 1, ServiceName: '*', ServiceType: '*', Host: '*', HTTPMethod: '*', URLPath: '*', Version: 1, ...member } })
    await put('/CreateSamplingRule', rule({ ServiceName: text.slice(0, 64), URLPath: hostile(i * 4 + 1).slice(0, 128), Host: hostile(i * 4 + 2).slice(0, 64), ResourceARN: hostile(i * 4 + 3).slice(0, 500) }, 100 + i))
    await put('/CreateSamplingRule', rule({ RuleName: text.slice(0, 32), Attributes: { [hostile(i * 4 + 1).slice(0, 32)]: hostile(i * 4 + 2).slice(0, 32) } }, 200 + i))
    await put('/TelemetryRecords', { Hostname: text.slice(0, 255), ResourceARN: hostile(i * 4 + 2).slice(0, 500), EC2InstanceId: 'i-0', TelemetryRecords: [{ Timestamp: now, SegmentsSentCount: i }] })
    await ask(url, '/TraceSegments', { TraceSegmentDocuments: [JSON.stringify({ id: text, name: hostile(i * 4 + 1), trace_id: hostile(i * 4 + 2), start_time: hostile(i * 4 + 3) }), hostile(i)] }) // refused, and so told under losses
    await put('/PutResourcePolicy', { PolicyName: nameOf(text).replace(/[^\w+=,.@-]/g, '').slice(0, 128) || `p${i}`, PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [{ Sid: text, Effect: 'Allow', Principal: { Service: 'logs.amazonaws.com' }, Action: 'xray:*', Resource: '*' }] }) })
  }
  await put('/console/api/keep-rules', { Revision: 0, Rules: [0, 1, 2, 3].map((i) => ({ Name: hostile(i * 9).slice(0, 60), Filter: `user = ${JSON.stringify(hostile(i * 9 + 1))}`, Rate: 1 })) }, 'PUT')
}

describe('hostile strings', () => {
  const tomo = serverWithPast(past, name)
  /** What ran, opened, or was forbidden to. */
  let ran: string[] = []
  const browser = visitor(tomo, async (page) => {
    await page.exposeBinding('told', (_, what: string) => void ran.push(what))
    await page.addInitScript(() => {
      const tell = (what: string) => void (window as unknown as { told: (what: string) => void }).told(what)
      Object.assign(window, { owned: (n: unknown) => tell(`ran ${String(n)}`) })
      for (const name of ['alert', 'confirm', 'prompt', 'print'] as const) Object.assign(window, { [name]: () => tell(name) })
      addEventListener('securitypolicyviolation', (event) => tell(`forbidden: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`))
    })
  })

  test('more than a thousand are held, as they were sent', async () => {
    const ids = everything.map(({ documents }) => documents[0]!.trace_id)
    const found = new Set<string>()
    const collect = (value: unknown): void => {
      if (typeof value === 'string') found.add(value)
      else if (value && typeof value === 'object')
        for (const [key, inside] of Object.entries(value)) {
          found.add(key)
          collect(inside)
        }
    }
    for (let i = 0; i < ids.length; i += 5) {
      const { answer } = await ask<{ Traces: { Segments: { Document: string }[] }[] }>(tomo.url, '/Traces', { TraceIds: ids.slice(i, i + 5) })
      for (const trace of answer.Traces) for (const segment of trace.Segments) collect(JSON.parse(segment.Document))
    }
    expect([...sent].filter((text) => found.has(text)).length).toBeGreaterThan(1000)
    expect(settings).toBeGreaterThan(60)
  })

  /** look goes to paths, and sees to it that what was sent is text, and only that. */
  const look = (paths: readonly string[], then: (page: Page) => Promise<void>) =>
    browser.visit(
      '/healthz',
      async (page) => {
        ran = []
        page.on('dialog', (dialog) => {
          ran.push(`dialog ${dialog.message()}`)
          void dialog.dismiss()
        })
        page.on('request', (request) => {
          // Whatever is no page of ours, none of its parts, and no question to the server.
          const { pathname } = new URL(request.url())
          if (!['document', 'fetch', 'xhr'].includes(request.resourceType()) && !pathname.startsWith('/assets/')) ran.push(`asked for ${request.url()}`)
        })
        page.context().on('page', (other) => ran.push(`opened ${other.url()}`))
        for (const path of paths) {
          await page.goto(tomo.url + path)
          await page.getByRole('heading', { level: 1 }).first().waitFor()
          await quiet(page)
          await expectText(page)
          await then(page)
          await expectText(page)
          expect(ran, path).toEqual([])
        }
      },
      { complaint: /status of (400|404)/ },
    )

  test('would be found', () =>
    browser.visit('/settings', async (page) => {
      await page.getByRole('heading', { level: 1 }).waitFor()
      await expectText(page)
      for (const [tag, name, value] of [['a', 'href', 'javascript:owned(1)'], ['a', 'href', 'data:text/html,x'], ['iframe', 'title', ''], ['script', 'type', 'text/plain'], ['form', 'action', 'javascript:owned(1)']] as const) {
        await page.evaluate(
          ([tag, name, value]) => {
            // Attributes such as onclick cannot even be planted: Trusted Types forbid it.
            const element = document.createElement(tag)
            element.setAttribute('data-planted', '')
            element.setAttribute(name, value)
            document.querySelector('main')!.append(element)
          },
          [tag, name, value] as const,
        )
        await expect(expectText(page), `${tag} ${name}`).rejects.toThrow()
        await page.evaluate(() => document.querySelector('[data-planted]')!.remove())
      }
      await expectText(page)
    }, { complaint: /./ }))

  const pages = ['/?since=3h', '/?since=3h&view=table', '/traces?since=3h', '/analytics?since=3h', '/insights?since=3h', '/groups', '/sampling', '/settings', '/status', '/status?section=losses']

  test.each(pages)(
    'are text on %s, whatever is clicked',
    (path) =>
      look([path], async (page) => {
        // They are on the page, so that it could have taken them for something else.
        if (/^\/(\?|traces|analytics)/.test(path)) expect(await page.locator('main').textContent()).toMatch(/owned/)
        await click(page)
      }),
    240_000,
  )

  test.each(['keep-rules', 'indexing', 'encryption', 'credentials', 'policies', 'limits'])('are text in the settings (%s)', (section) => look([`/settings?section=${section}`], (page) => click(page)))

  test(
    'are text in every trace',
    () =>
      look(
        everything.map(({ documents }) => `/traces/${documents[0]!.trace_id}`),
        (page) => click(page, 12),
      ),
    900_000,
  )

  test(
    'are text in insights',
    () =>
      look(['/insights?since=3h'], async (page) => {
        const insight = page.locator('main a[href^="/insights/"]').first()
        await insight.waitFor()
        await insight.click()
        await page.getByRole('heading', { level: 1 }).first().waitFor()
        await click(page)
      }),
  )

  test(
    'are text in links',
    () =>
      look(
        kinds.flatMap((kind, i) => {
          if (i % 3) return []
          const text = encodeURIComponent(kind(90_000 + i).replace(/[\ud800-\udfff]/gu, '\ufffd')).replaceAll('.', '%2E')
          const places = [`/?node=${text}&group=${text}`, `/traces?filter=${text}`, `/analytics?a=${text}&filter=${text}`, `/traces/${text}`, `/insights/${text}`, `/groups?name=${text}`, `/settings?section=${text}`]
          return [places[(i / 3) % places.length]!.slice(0, 6000)]
        }),
        async () => {},
      ),
    600_000,
  )
})

/** expectText holds the page against what text never makes: elements, addresses and properties that we did not write. */
async function expectText(page: Page): Promise<void> {
  const found = await page.evaluate(() => {
    const wrong: string[] = []
    const walk = (root: Document | DocumentFragment) => {
      for (const element of root.querySelectorAll('*')) {
        const tag = element.tagName.toLowerCase()
        if (/^(script|style|iframe|object|embed|base|frame|applet|video|audio|source|math|animate|foreignobject)$/.test(tag) && !(tag === 'script' && element.closest('head') && element.getAttribute('src')?.startsWith('/assets/'))) wrong.push(`element ${element.outerHTML.slice(0, 120)}`)
        if (tag === 'meta' && element.getAttribute('http-equiv')) wrong.push(element.outerHTML)
        for (const { name, value } of element.attributes) {
          if (/^on/i.test(name)) wrong.push(`attribute ${name}=${value.slice(0, 80)}`)
          if (/^(href|src|action|formaction|data|poster|background|srcdoc|xlink:href|ping)$/.test(name)) {
            const address = new URL(value, document.baseURI)
            if (!/^(https?|blob):$/.test(address.protocol)) wrong.push(`address ${name}=${value.slice(0, 80)}`)
            if (!['href', 'xlink:href'].includes(name) && address.origin !== location.origin) wrong.push(`address ${name}=${value.slice(0, 80)}`)
            if (tag !== 'a' && /owned/.test(address.pathname)) wrong.push(`address ${name}=${value.slice(0, 80)}`)
          }
          if (name === 'style' && /url\(|expression/i.test(value)) wrong.push(`style ${value.slice(0, 80)}`)
        }
        if (element.shadowRoot) walk(element.shadowRoot)
        if (element instanceof HTMLTemplateElement) walk(element.content) // in which react-aria keeps what lists are made of
      }
    }
    walk(document)
    for (const name of ['polluted', 'owned']) if (name in Object.prototype || name in Array.prototype || name in Function.prototype) wrong.push(`the prototype has ${name}`)
    for (const name of Object.keys(Object.prototype)) wrong.push(`every object has ${name}`)
    if (/^(Something broke)$/m.test(document.querySelector('h1')?.textContent ?? '')) wrong.push(`the page broke: ${document.querySelector('main')?.textContent?.slice(0, 300)}`)
    return wrong
  })
  expect(found, page.url()).toEqual([])
}

/** click clicks on what can be clicked in the page, one after the other, as long as it leads nowhere else and changes nothing on the server. */
async function click(page: Page, most = 40): Promise<void> {
  const start = page.url()
  const wanted = 'main button, main [role=tab], main [role=radio], main summary, main [role=button], main tbody tr, main [role=row], main [role=treeitem], main [role=option], main input[type=checkbox]'
  const done = new Set<string>()
  for (let turn = 0; turn < most; turn++) {
    // Marked by what they say, as the page makes its elements anew.
    const next = await page.locator(wanted).evaluateAll(
      (elements, done) => {
        for (const [i, element] of elements.entries()) {
          const says = `${element.tagName} ${element.getAttribute('aria-label') ?? element.textContent ?? ''}`.slice(0, 200)
          const box = element.getBoundingClientRect()
          if (done.includes(says) || box.width === 0 || /remove|delete|save|create|update|apply|sign out|download|export|send a/i.test(says) || element.closest('[inert], [aria-hidden=true]') || element.matches(':disabled, [aria-disabled=true]')) continue
          return { i, says }
        }
        return null
      },
      [...done],
    )
    if (!next) return
    done.add(next.says)
    await page
      .locator(wanted)
      .nth(next.i)
      .click({ timeout: 1500, force: true })
      .catch(() => undefined) // it went, or is out of sight
    await expectText(page)
    await page.keyboard.press('Escape')
    if (new URL(page.url()).pathname !== new URL(start).pathname) {
      await page.goto(start)
      await page.getByRole('heading', { level: 1 }).first().waitFor()
    }
  }
}
