// What every page keeps: it is a link, works by keyboard, tells its keys, is accessible in
// both asks nothing of others, and says what is the matter when there is nothing
// to show or the server does not answer. One line of the table for each view.
import type { Locator, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { expectAccessible, quiet, server, serverWithPast, visitor } from './harness'
import { Shop } from './shop'

/** What a server with data has: found after it was filled. */
interface Known {
  trace: string
  other: string
  insight: string
}

interface View {
  name: string
  path: (known: Known) => string
  heading: string | RegExp
  /** What has to be there before the view is whole. */
  ready: (page: Page) => Locator
  /** Names of what the keyboard has to reach, beside what is around all pages. */
  reaches: readonly RegExp[]
  /** What is shown of it on a server that has nothing, if it is there at all. */
  empty?: (page: Page) => Locator
  /** It needs nothing of the server, or shows what it has when that stops to answer. */
  standsAlone?: true
}

const shop = new Shop(5)
const now = Date.now() / 1000

const views: readonly View[] = [
  {
    name: 'the trace map',
    path: () => '/?since=3h&node=checkout%7CAWS%3A%3AECS%3A%3AContainer&size=traffic',
    heading: 'Trace map',
    ready: (page) => page.getByRole('complementary', { name: 'checkout' }),
    reaches: [/Group$/, /^Time/, /on average/, /^Search a service/],
    empty: (page) => page.getByRole('heading', { name: 'Send your first trace' }),
  },
  {
    name: 'the trace map as a table',
    path: () => '/?since=3h&view=table&labels=all',
    heading: 'Trace map',
    ready: (page) => page.getByRole('table'),
    reaches: [/^Time/, /^Search a service/, /^checkout$/],
    empty: (page) => page.getByRole('heading', { name: 'Send your first trace' }),
  },
  {
    name: 'traces',
    path: () => '/traces?since=3h&filter=fault&sort=slowest',
    heading: 'Traces',
    ready: (page) => page.getByRole('link', { name: /^1-[0-9a-f]{8}-/ }).first(),
    reaches: [/^Time/, /^Filter expression/, /^Slowest first/, /^Columns/],
    empty: (page) => page.getByText(/no trace/i),
  },
  {
    name: 'a trace',
    path: ({ trace }) => `/traces/${trace}?by=service&path=off`,
    heading: /./,
    ready: (page) => page.getByRole('treegrid').or(page.getByRole('tree')).or(page.getByRole('grid')),
    reaches: [/./],
    empty: (page) => page.getByRole('heading', { name: /has not come yet|no such trace/i }),
  },
  {
    name: 'two traces compared',
    path: ({ trace, other }) => `/traces/${trace}?compare=${other}`,
    heading: /./,
    ready: (page) => page.getByRole('tree', { name: 'Both traces, aligned' }),
    reaches: [/./],
  },
  {
    name: 'analytics',
    path: () => '/analytics?since=3h&sets=own&a=service(%22checkout%22)&b=fault&measure=duration',
    heading: 'Analytics',
    ready: (page) => page.getByRole('main').getByRole('img').first(),
    reaches: [/^Time/, /filter|expression/i],
  },
  {
    name: 'insights',
    path: () => '/insights?since=3h&state=active&kind=faults',
    heading: 'Insights',
    ready: (page) => page.getByRole('row', { name: /^active Faults search/ }),
    reaches: [/^Time/, /^Faults/],
    empty: (page) => page.getByRole('main').getByText(/insight/i),
  },
  {
    name: 'an insight',
    path: ({ insight }) => `/insights/${insight}?chart=times`,
    heading: 'Insight',
    ready: (page) => page.getByRole('heading', { name: /^Faults of search/ }),
    reaches: [/^All insights$/, /^View traces$/],
  },
  {
    name: 'groups',
    path: () => '/groups?since=3h&find=checkouts',
    heading: 'Groups',
    ready: (page) => page.getByRole('row', { name: /^checkouts/ }),
    reaches: [/^Time/, /^Find a group/, /checkouts/],
    empty: (page) => page.getByRole('main').getByText(/group/i),
  },
  {
    name: 'sampling rules',
    path: () => '/sampling?service=shop&host=www.shop.example&method=GET',
    heading: /^Sampling/,
    ready: (page) => page.getByRole('main').getByText('Default').first(),
    reaches: [/./],
    empty: (page) => page.getByRole('main').getByText('Default'),
  },
  ...['keep-rules', 'indexing', 'encryption', 'credentials', 'policies', 'limits'].map(
    (section): View => ({
      name: `the settings: ${section}`,
      path: () => `/settings?section=${section}`,
      heading: 'Settings',
      ready: (page) => page.getByRole('navigation', { name: 'Settings' }).locator('[aria-current]'),
      reaches: [/^Keep rules/, /^Limits and quotas/],
      empty: (page) => page.getByRole('navigation', { name: 'Settings' }).locator('[aria-current]'),
    }),
  ),
  {
    name: 'the status of the server',
    path: () => '/status?span=day&paused=yes',
    heading: /^Status/,
    ready: (page) => page.getByRole('main').getByRole('img').first(),
    reaches: [/./],
    empty: (page) => page.getByRole('main').getByRole('heading').first(),
  },
]

/** What a reader sees of the state of a page: what is chosen, written and said, but for figures, which go on, and filters, which are in the URL. */
function stateOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const plain = (text: string) => text.replace(/[\d.,]+/g, '#').trim()
    return [...document.querySelectorAll('main h1, main [aria-pressed=true], main [aria-selected=true], main [aria-checked=true], main [aria-current]:not([aria-current=false]), main input:not([aria-label*="ilter"]), [role=dialog] h2')].map((element) => {
      const text = element instanceof HTMLInputElement ? (element.type === 'checkbox' || element.type === 'radio' ? `${element.value} ${element.checked}` : element.value) : (element.getAttribute('aria-label') ?? element.textContent ?? '')
      return plain(text)
    })
  })
}

const parameters = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams)

/** The names of what was opened over pages. */
const opened = new Set<string>()

/** Buttons that open something over the page: lists, and dialogs beside them. */
const opening = 'button[aria-haspopup], button[data-react-aria-pressable][aria-expanded]'

/** walk goes through the page by Tab and tells what it came by, until it is through. */
async function walk(page: Page, most = 400): Promise<string[]> {
  const names: string[] = []
  await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur())
  for (let i = 0; i < most; i++) {
    await page.keyboard.press('Tab')
    const name = await page.evaluate(() => {
      let at = document.activeElement
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
      if (!at || at === document.body) return null
      const label = (element: Element) => element.getAttribute('aria-label') ?? (element.getAttribute('aria-labelledby') ?? '').split(/\s+/).flatMap((id) => document.getElementById(id)?.textContent ?? []).join(' ')
      const labels = at instanceof HTMLInputElement ? [...(at.labels ?? [])].map((one) => one.textContent ?? '').join(' ') : ''
      const box = at.getBoundingClientRect()
      return { name: (label(at) || labels || at.textContent || at.getAttribute('title') || '').trim().slice(0, 120), seen: at.checkVisibility() && box.width + box.height > 0, what: at.outerHTML.slice(0, 160) }
    })
    if (name === null) break
    expect(name.seen, `what has the focus can be seen: ${name.what}`).toBe(true)
    expect(name.name, `what has the focus has a name: ${name.what}`).not.toBe('')
    names.push(name.name)
  }
  return names
}

describe('every page', () => {
  const known: Known = { trace: '', other: '', insight: '' }
  const tomo = serverWithPast(
    () => shop.past(now, 130, 20, (left) => (left <= 8 ? { search: 0.5 } : {})),
    async (url) => {
      const ask = async <Answer>(path: string, body: object) => (await (await fetch(url + path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) })).json()) as Answer
      await ask('/CreateGroup', { GroupName: 'checkouts', FilterExpression: 'service("checkout")' })
      const { TraceSummaries } = await ask<{ TraceSummaries: { Id: string }[] }>('/TraceSummaries', { StartTime: now - 3600, EndTime: now + 60, FilterExpression: 'service("checkout")' })
      known.trace = TraceSummaries[0]!.Id
      known.other = TraceSummaries[1]!.Id
      // Insights are told when the latest minute was judged.
      for (let tries = 0; known.insight === '' && tries < 100; tries++) {
        const { InsightSummaries } = await ask<{ InsightSummaries: { InsightId: string; State: string; RootCauseServiceId: { Name: string } }[] }>('/InsightSummaries', { StartTime: now - 43_200, EndTime: now + 120, GroupName: 'Default' })
        known.insight = InsightSummaries.find((one) => one.State === 'ACTIVE' && one.RootCauseServiceId.Name === 'search')?.InsightId ?? ''
        if (known.insight === '') await new Promise((done) => setTimeout(done, 300))
      }
    },
  )
  const browser = visitor(tomo)

  describe.each(views)('$name', ({ path, heading, ready, reaches, standsAlone }) => {
    const whole = async (page: Page) => {
      await page.getByRole('heading', { level: 1, name: heading }).waitFor()
      await ready(page).first().waitFor()
    }

    test('is a link', () =>
      browser.visit(path(known), async (page) => {
        await whole(page)
        const wanted = Object.fromEntries(new URL(tomo.url + path(known)).searchParams)
        expect(parameters(page)).toMatchObject(wanted)
        await expect.poll(async () => (await stateOf(page)).length).toBeGreaterThan(0)
        const link = page.url()
        // It is whole when nothing changes any more.
        let before = await stateOf(page)
        await expect.poll(async () => JSON.stringify(before) === JSON.stringify((before = (await quiet(page), await stateOf(page)))), { interval: 200 }).toBe(true)

        const elsewhere = new URL(link).pathname === '/settings' ? 'Trace map' : 'Settings'
        await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: elsewhere }).click()
        await page.getByRole('heading', { level: 1, name: elsewhere }).waitFor()
        await page.goBack()
        await whole(page)
        expect(page.url()).toBe(link)
        await expect.poll(() => stateOf(page)).toEqual(before)
        await page.goForward()
        await page.getByRole('heading', { level: 1, name: elsewhere }).waitFor()

        // As somebody gets it who was sent the link, or asks for it anew.
        await page.goto(link)
        await whole(page)
        await expect.poll(() => stateOf(page)).toEqual(before)
        expect(page.url()).toBe(link)
        await page.reload()
        await whole(page)
        await expect.poll(() => stateOf(page)).toEqual(before)
        expect(page.url()).toBe(link)
      }))

    test('is accessible, works by keyboard, and tells its keys', () =>
      browser.visit(path(known), async (page) => {
        await whole(page)
        await expectAccessible(page)
        await page.setViewportSize({ width: 800, height: 900 })
        await expectAccessible(page)
        expect(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 'the page scrolls sideways').toBeLessThanOrEqual(0)
        await page.setViewportSize({ width: 1400, height: 860 })

        await page.keyboard.press('?')
        const keys = page.getByRole('dialog', { name: 'Keys' })
        await keys.getByRole('heading', { name: 'Go to' }).waitFor()
        await page.keyboard.press('Escape')
        await keys.waitFor({ state: 'detached' })
        const names = await walk(page)
        expect(names[0]).toBe('Skip to the content')
        for (const name of [/^Trace map$/, /^Traces$/, /^Settings$/, /^Status$/, ...reaches]) expect(names.filter((one) => name.test(one)), `Tab comes to ${name}, of ${names.join(' | ')}`).not.toEqual([])
        await page.keyboard.press('g')
        await page.keyboard.press('e')
        await page.getByRole('heading', { level: 1, name: 'Settings' }).waitFor()

        // What opens over it, unless it was seen on another page.
        await page.goBack()
        await whole(page)
        for (const button of await page.getByRole('main').locator(opening).all()) {
          await button.click()
          const over = page.locator('[role=dialog][data-trigger]')
          await over.waitFor()
          const name = await over.evaluate((element) => element.getAttribute('aria-label') ?? element.getAttribute('aria-labelledby')!.split(' ').map((id) => document.getElementById(id)?.textContent).join(' '))
          expect(name).not.toBe('')
          if (!opened.has(name)) await expectAccessible(page)
          opened.add(name)
          await page.keyboard.press('Escape')
          await over.waitFor({ state: 'detached' })
        }
      }))

    if (!standsAlone)
      test('says so when the server does not answer', () =>
        browser.visit(
          path(known),
          async (page) => {
            await page.route(/./, (route) => (route.request().resourceType() === 'document' || /\/assets\//.test(route.request().url()) ? route.continue() : route.abort()))
            await page.reload()
            await page.getByRole('heading', { level: 1 }).waitFor()
            await page.getByText(/The server does not answer/).first().waitFor()
            await expectAccessible(page)
            await page.unroute(/./)
            // By the button, wherever there is one; or by asking for everything again.
            await page.keyboard.press('r')
            await expect
              .poll(
                async () => {
                  for (const again of await page.getByRole('button', { name: 'Try again' }).all()) await again.click({ timeout: 1000 }).catch(() => undefined)
                  return page.getByText(/The server does not answer/).count()
                },
              )
              .toBe(0)
            await whole(page)
          },
          { complaint: /ERR_FAILED|Failed to load resource/ },
        ))
  })
})

describe('every page of a server that has nothing', () => {
  const tomo = server()
  const browser = visitor(tomo)
  const nothing: Known = { trace: '1-67ab0000-000000000000000000000001', other: '1-67ab0000-000000000000000000000002', insight: '00000000-0000-0000-0000-000000000000' }

  test.each(views)('$name', ({ path, empty }) =>
    browser.visit(
      path(nothing),
      async (page) => {
        await page.getByRole('heading', { level: 1 }).waitFor()
        await expect.poll(() => page.getByRole('main').getByText(/^(Loading|Searching|Asking).*…$/).count()).toBe(0)
        if (empty) await empty(page).first().waitFor()
        expect(await page.getByRole('heading', { name: 'Something broke' }).count()).toBe(0)
        // There is something to read, beside the title.
        expect(((await page.getByRole('main').innerText()).match(/\p{L}+/gu) ?? []).length).toBeGreaterThan(8)
        await expectAccessible(page)
      },
      { complaint: /status of 400/ },
    ))
})
