// Takes the pictures in docs/images: npm run screenshots. The shop has been open for
// three hours; an hour ago payments were in trouble, and now search is.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { test } from 'vitest'
import { checkout, traceId } from './checkout'
import { serverWithCredentials, serverWithPast, themes, visitor } from './harness'
import { send, Shop } from './shop'

const images = join(import.meta.dirname, '../../docs/images')
mkdirSync(images, { recursive: true })

const anything = { ServiceName: '*', ServiceType: '*', Host: '*', HTTPMethod: '*', URLPath: '*', ResourceARN: '*', Version: 1 }

/** What people set, and what a client reports. */
async function setUp(url: string): Promise<void> {
  const ask = async (method: string, path: string, body: object) => {
    const answer = await fetch(url + path, { method, headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })
    if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
  }
  const rules = [
    { RuleName: 'health', Priority: 10, FixedRate: 0, ReservoirSize: 0, HTTPMethod: 'GET', URLPath: '/health*' },
    { RuleName: 'checkout', Priority: 100, FixedRate: 1, ReservoirSize: 50, Host: '*.shop.example', HTTPMethod: 'POST', URLPath: '/cart/*' },
    { RuleName: 'gold-customers', Priority: 200, FixedRate: 0.5, ReservoirSize: 5, Attributes: { tenant: 'gold*' }, SamplingRateBoost: { MaxRate: 0.8, CooldownWindowMinutes: 5 } },
  ]
  for (const rule of rules) await ask('POST', '/CreateSamplingRule', { SamplingRule: { ...anything, ...rule } })
  const report = (RuleName: string, RequestCount: number, SampledCount: number, BorrowCount: number) => ({ RuleName, ClientID: '0123456789abcdef01234567', Timestamp: Date.now() / 1000, RequestCount, SampledCount, BorrowCount })
  await ask('POST', '/SamplingTargets', { SamplingStatisticsDocuments: [report('checkout', 412, 412, 0), report('Default', 2140, 118, 9)] })
  for (const [GroupName, FilterExpression] of [
    ['checkouts', 'service("checkout")'],
    ['failures', 'fault OR error'],
  ]) await ask('POST', '/CreateGroup', { GroupName, FilterExpression, InsightsConfiguration: { InsightsEnabled: GroupName === 'checkouts' } })
  // A group has what settles while it is there.
  await send(url, new Shop(9).traces(70, Date.now() / 1000 - 5, 40))
  await ask('PUT', '/console/api/keep-rules', { Revision: 0, Rules: [{ Name: 'interesting', Filter: 'fault OR error OR responsetime > 1', Rate: 1 }, { Name: 'rest', Filter: '', Rate: 0.25 }] })
  await ask('POST', '/TraceSegments', { TraceSegmentDocuments: ['{"id":"broken"}'] })
}

// Two requests that bought something, or tried to. Keep rules keep both: one failed, the other took more than a second.
const bought = Date.now() / 1000 - 90
const failing = traceId(bought, 0xc0ffee)
const fine = traceId(bought + 4, 0x7ea907)

/** The insights, newest first: that of search, which goes on, and that of payments. */
let insights: { InsightId: string }[] = []

const tomo = serverWithPast(
  () =>
    new Shop(3).past(
      Date.now() / 1000,
      180,
      (left) => 60 + 25 * Math.sin(left / 11) + 8 * Math.sin(left / 2),
      (left) => (left > 60 && left <= 76 ? { payments: 0.35 } : left <= 9 ? { search: 0.4 } : {}),
    ),
  async (url) => {
    await send(url, [...checkout(failing, bought, { from: traceId(bought - 60, 9) }), ...checkout(fine, bought + 4, { ok: true, recommended: false, slow: 0.6 })])
    await setUp(url)
    // The minutes that the server missed are judged at once, and that takes some seconds.
    for (let left = 60; insights.length < 2; left--) {
      if (left === 0) throw new Error(`there are ${insights.length} insights, not 2`)
      await new Promise((done) => setTimeout(done, 500))
      const now = Date.now() / 1000
      const answer = await fetch(`${url}/InsightSummaries`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ StartTime: now - 86_400, EndTime: now, GroupName: 'Default' }) })
      insights = ((await answer.json()) as { InsightSummaries: { InsightId: string }[] }).InsightSummaries
    }
  },
)
const browser = visitor(tomo)

const guarded = serverWithCredentials({ operator: ['--actions', 'admin'] })
const stranger = visitor(guarded)

interface Picture {
  name: string
  path: string | (() => string)
  /** What has to be there before the picture is taken. */
  ready: (page: Page) => Promise<unknown>
}

async function traceDrawn(page: Page): Promise<void> {
  await page.getByRole('group', { name: /^Map of this trace/ }).waitFor()
  await page.getByRole('tree', { name: 'Segments and subsegments' }).getByRole('treeitem').first().waitFor()
}

const since = 'since=15m'
const pictures: Picture[] = [
  { name: 'map', path: `/?${since}`, ready: (page) => page.getByRole('button', { name: /^checkout, / }).waitFor() },
  {
    name: 'map-node',
    path: `/?${since}&node=checkout%7CAWS%3A%3AECS%3A%3AContainer`,
    ready: (page) => page.getByRole('img', { name: /^Requests of checkout over time: [1-9]/ }).waitFor(),
  },
  { name: 'traces', path: `/traces?${since}`, ready: async (page) => Promise.all([page.getByRole('grid', { name: 'Traces' }).waitFor(), page.getByRole('group', { name: /^Duration over time: [1-9]/ }).waitFor(), page.getByRole('region', { name: 'URL' }).getByRole('listitem').first().waitFor()]) },
  { name: 'trace', path: `/traces/${failing}`, ready: traceDrawn },
  { name: 'trace-segment', path: `/traces/${failing}?span=a000000000000004&tab=exceptions`, ready: traceDrawn },
  { name: 'trace-services', path: `/traces/${failing}?by=service&depth=2&find=stock`, ready: traceDrawn },
  { name: 'compare', path: `/traces/${failing}?compare=${fine}`, ready: (page) => page.getByRole('tree', { name: 'Both traces, aligned' }).getByRole('treeitem').first().waitFor() },
  { name: 'compare-differences', path: `/traces/${failing}?compare=${fine}&tab=table`, ready: (page) => page.getByRole('table').waitFor() },
  { name: 'map-table', path: `/?${since}&view=table`, ready: (page) => page.getByRole('table').waitFor() },
  { name: 'analytics', path: '/analytics?since=3h', ready: (page) => page.getByRole('heading', { name: 'What differs most' }).waitFor() },
  {
    name: 'analytics-times',
    path: '/analytics?since=1h&sets=before',
    ready: async (page) => {
      await page.getByRole('heading', { name: 'What differs most' }).waitFor()
      await page.getByRole('region', { name: 'Figures' }).scrollIntoViewIfNeeded()
    },
  },
  { name: 'insights', path: '/insights?since=3h', ready: (page) => page.getByRole('row', { name: /^closed Faults payments/ }).waitFor() },
  {
    name: 'insights-one',
    path: () => `/insights/${insights[1]!.InsightId}`,
    ready: async (page) => {
      await page.getByRole('img', { name: /^Faults of payments: .* more than usual/ }).waitFor()
      await page.getByRole('button', { name: /^payments, .*% faults/ }).waitFor()
    },
  },
  { name: 'groups', path: '/groups?since=3h', ready: (page) => page.getByRole('img', { name: /^Requests of checkouts over time: [1-9]/ }).waitFor() },
  { name: 'groups-create', path: '/groups?since=3h&create=service(%22payments%22)+%7B+fault+%7D', ready: (page) => page.getByText(/of the last hour’s [\d,]+ traces match/).waitFor() },
  {
    name: 'sampling',
    path: '/sampling?host=www.shop.example&method=POST&path=/cart/checkout&service=storefront',
    ready: async (page) => {
      await page.getByText('decides the request').waitFor()
      await page.getByRole('img', { name: /^checkout, the last ten minutes: [1-9]/ }).waitFor({ timeout: 30_000 })
    },
  },
  { name: 'settings', path: '/settings?section=keep-rules', ready: (page) => page.getByText(/would be kept/).waitFor() },
  { name: 'status', path: '/status', ready: (page) => page.getByRole('img', { name: /^Documents stored a second/ }).waitFor() },
]

for (const theme of themes) {
  for (const picture of pictures) {
    test(`${picture.name}, ${theme}`, () =>
      browser.visit(
        typeof picture.path === 'string' ? picture.path : picture.path(),
        async (page) => {
          await picture.ready(page)
          await page.waitForTimeout(500) // until nothing moves
          await page.screenshot({ path: join(images, `${picture.name}-${theme}.png`) })
        },
        { theme },
      ))
  }
  test(`sign-in, ${theme}`, () =>
    stranger.visit(
      '/sign-in',
      async (page) => {
        await page.getByLabel('Secret').first().waitFor()
        await page.screenshot({ path: join(images, `sign-in-${theme}.png`) })
      },
      { theme },
    ))
}
