import { describe, expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { expectAccessible, server, visitor } from './harness'
import { send, Shop } from './shop'

const field = (page: Page) => page.getByRole('textbox', { name: 'Filter expression' })
const grid = (page: Page) => page.getByRole('grid', { name: 'Traces' })
const rows = (page: Page) => grid(page).getByRole('row')
const parameters = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams)
const parameter = (page: Page, name: string) => expect.poll(() => parameters(page)[name])

/** The cells of a column as they are seen. */
async function column(page: Page, name: string): Promise<string[]> {
  const heads = await grid(page).getByRole('columnheader').allTextContents()
  const at = heads.findIndex((head) => head.trim() === name)
  return grid(page)
    .getByRole('row')
    .evaluateAll((list, place) => list.slice(1).map((row) => row.querySelectorAll('[role=gridcell]')[place]?.textContent ?? ''), at)
}

function seconds(text: string): number {
  const [, n, unit] = /([\d.]+) (ms|s|µs)/.exec(text) ?? []
  return Number(n) * (unit === 's' ? 1 : unit === 'ms' ? 1e-3 : 1e-6)
}

describe('the traces', () => {
  const tomo = server(async (url) => send(url, new Shop(11).traces(300, Date.now() / 1000, 600)))
  const browser = visitor(tomo)

  test('are accessible, with and without a selection', () =>
    browser.visit(
      '/traces?filter=fault',
      async (page) => {
        await grid(page).waitFor()
        await page.getByRole('group', { name: /^Duration over time: / }).waitFor()
        await page.getByRole('region', { name: 'Outcome' }).getByText('fault', { exact: true }).waitFor()
        await expectAccessible(page)
        await page.keyboard.press('b')
        await page.getByRole('form', { name: 'Selection' }).getByLabel('from').first().waitFor()
        await grid(page).focus()
        await page.keyboard.press('j')
        await page.keyboard.press('x')
        await expectAccessible(page)
      },
    ),
  )

  test('are accessible with what opens over them', () =>
    browser.visit(
      '/traces?filter=fault',
      async (page) => {
        await grid(page).waitFor()
        await page.keyboard.press('h')
        await page.getByRole('dialog', { name: 'History and saved filters' }).getByText('fault', { exact: true }).waitFor()
        await expectAccessible(page)
        await page.keyboard.press('Escape')
        for (const [button, dialog] of [
          ['CLI', 'Copy as CLI'],
          ['Columns', 'Columns'],
        ] as const) {
          await page.getByRole('button', { name: button }).click()
          await page.getByRole('dialog', { name: dialog }).waitFor()
          await page.locator('[role=tooltip]').waitFor({ state: 'detached' })
          await expectAccessible(page)
          await page.keyboard.press('Escape')
        }
        await field(page).click()
        await page.keyboard.press('End')
        await page.keyboard.type(' AND service("pay')
        await page.getByRole('option', { name: 'payments' }).waitFor()
        await expectAccessible(page)
      },
    ),
  )

  test('an expression is completed and run by keyboard', () =>
    browser.visit('/traces', async (page) => {
      await grid(page).waitFor()
      await page.keyboard.press('/')
      await page.getByRole('option', { name: /^annotation/ }).first().waitFor()
      await page.keyboard.press('Tab') // nothing is written, so it goes on
      expect(await page.getByRole('button', { name: 'History and saved filters' }).evaluate((button) => button === document.activeElement)).toBe(true)
      await page.keyboard.press('/')
      await page.keyboard.type('service("check')
      await page.getByRole('option', { name: 'checkout' }).waitFor()
      const written = async () => (await field(page).textContent()) ?? ''
      // A list that has just come takes nothing for a moment.
      const accepted = async () => {
        if (!(await written()).includes('checkout')) await page.keyboard.press('Tab')
        return written()
      }
      await expect.poll(accepted).toContain('checkout')
      await page.keyboard.press('End')
      await page.keyboard.type(' { fault }')
      await page.keyboard.press('Control+Enter')
      await parameter(page, 'filter').toBe('service("checkout") { fault }')
      await page.getByText(/of 300 in this time/).waitFor()
    }))

  test('what is wrong is underlined where it is, and told in the words of the server', async () => {
    await browser.visit('/traces', async (page) => {
      await field(page).click()
      await page.keyboard.type('fault AND responsetime > ')
      await page.keyboard.insertText('"slow"')
      await expect.poll(() => page.locator('.cm-lintRange-error').allTextContents()).toEqual(['"slow"'])
    })
    await browser.visit('/traces?filter=responsetime+%3E+%22slow%22', (page) => page.getByRole('alert').getByText(/position 16 : Invalid input symbol/).first().waitFor(), { complaint: /status of 400/ })
  })

  test('filters that were run and those with a name come back, all by keyboard', () =>
    browser.visit('/traces', async (page) => {
      await grid(page).waitFor()
      const type = async (text: string) => {
        await page.keyboard.press('/')
        await page.keyboard.press('Control+a')
        await page.keyboard.insertText(text)
        await page.keyboard.press('Control+Enter')
        await parameter(page, 'filter').toBe(text)
      }
      await type('http.status = 404')
      await page.getByText(/ of 300 in this time/).waitFor()
      await type('fault')
      const menu = page.getByRole('dialog', { name: 'History and saved filters' })
      // From within the editor.
      await page.keyboard.press('Alt+ArrowDown')
      await menu.getByRole('button', { name: 'fault', exact: true }).waitFor()
      await page.keyboard.type('404')
      await menu.getByRole('button', { name: 'fault', exact: true }).waitFor({ state: 'detached' })
      await page.keyboard.press('ArrowDown')
      await page.keyboard.press('Enter')
      await parameter(page, 'filter').toBe('http.status = 404')
      await menu.waitFor({ state: 'detached' })

      await grid(page).focus()
      await page.keyboard.press('s')
      await page.getByRole('dialog', { name: 'Save this filter' }).waitFor()
      await page.keyboard.type('lost pages')
      await page.keyboard.press('Enter')
      await page.getByText('Saved as lost pages').waitFor()
      await page.goto(`${tomo.url}/traces`)
      await grid(page).waitFor()
      await page.keyboard.press('h')
      await menu.getByRole('button', { name: 'Rename lost pages' }).press('Enter')
      await page.keyboard.type('not found')
      await page.keyboard.press('Enter')
      await menu.getByRole('button', { name: /^not found/ }).press('Enter')
      await parameter(page, 'filter').toBe('http.status = 404')
      await grid(page).waitFor()
      await grid(page).focus()
      await page.keyboard.press('h')
      await menu.getByRole('button', { name: 'Delete not found' }).press('Enter')
      await menu.getByText('None yet.').waitFor()
      await menu.getByRole('button', { name: 'Forget fault' }).press('Enter')
      await menu.getByRole('button', { name: 'fault', exact: true }).waitFor({ state: 'detached' })
    }))

  test('a selection in the charts narrows, can be typed, and refines', () =>
    browser.visit('/traces', async (page) => {
      await grid(page).waitFor()
      const plot = page.getByRole('group', { name: /^Duration over time: 300 traces/ })
      await plot.waitFor()
      const box = (await plot.boundingBox())!
      // Time and durations at once.
      await page.mouse.move(box.x + box.width * 0.8, box.y + 30)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width - 14, box.y + 100, { steps: 6 })
      await page.mouse.up()
      const form = page.getByRole('form', { name: 'Selection' })
      await form.getByText(/^\d+ traces?$/).waitFor()
      expect(parameters(page)['at']).toMatch(/^20..-.*Z~20..-.*Z$/)
      expect(parameters(page)['took']).toMatch(/^[\d.]+~[\d.]+$/)
      const [low, high] = parameters(page)['took']!.split('~').map(Number) as [number, number]
      for (const took of (await column(page, 'Duration')).map(seconds)) {
        expect(took).toBeGreaterThanOrEqual(low * 0.98)
        expect(took).toBeLessThanOrEqual(high * 1.02)
      }
      // As numbers.
      const from = form.getByLabel('duration from')
      await from.fill('20')
      await form.getByRole('spinbutton', { name: 'to' }).fill('400')
      await page.keyboard.press('Tab')
      await parameter(page, 'took').toBe('0.02~0.4')
      const within = await form.getByText(/^\d+ traces?$/).textContent()
      await form.getByRole('button', { name: 'Refine to these' }).click()
      await parameter(page, 'filter').toBe('duration >= 0.02 AND duration <= 0.4')
      expect(Object.keys(parameters(page)).sort()).toEqual(['filter', 'from', 'to'])
      await page.getByRole('group', { name: new RegExp(`^Duration over time: ${within}`) }).waitFor()
      // The histogram selects durations alone; a second selection replaces the first.
      const bars = page.getByRole('img', { name: /^Duration: / })
      const place = (await bars.boundingBox())!
      await page.mouse.move(place.x + 60, place.y + 60)
      await page.mouse.down()
      await page.mouse.move(place.x + 160, place.y + 60, { steps: 5 })
      await page.mouse.up()
      await expect.poll(() => parameters(page)['took']).toBeTruthy()
      expect(parameters(page)['at']).toBeUndefined()
      await form.getByRole('button', { name: 'Refine to these' }).click()
      await parameter(page, 'filter').toMatch(/^duration >= [\d.]+ AND duration <= [\d.]+$/)
      // The other time.
      await page.getByRole('radio', { name: 'Response time' }).click()
      await parameter(page, 'time').toBe('response')
      await page.getByRole('group', { name: /^Response time over time: / }).waitFor()
      await page.keyboard.press('v')
      await page.getByRole('group', { name: /^Response time over time: / }).waitFor({ state: 'detached' })
    }))

  test('a dot is the door to its trace, by pointer and by keyboard', () =>
    browser.visit('/traces?sort=slowest', async (page) => {
      await grid(page).waitFor()
      const plot = page.getByRole('group', { name: /^Duration over time: 300 traces/ })
      await plot.focus()
      await page.keyboard.press('End')
      const words = page.getByRole('region', { name: 'Duration over time' }).getByRole('status')
      await words.waitFor()
      expect(await words.textContent()).toMatch(/^\d\d:\d\d:\d\d\.\d{3}, [\d.]+ (ms|s), (ok|error|throttle|fault)/)
      await page.keyboard.press('Enter')
      await page.waitForURL(/\/traces\/1-[0-9a-f]{8}-[0-9a-f]{24}$/)
      await page.goBack()
      await grid(page).waitFor()
      // The slowest is the topmost dot, and known from the list.
      const slowest = (await rows(page).nth(1).getByRole('link').first().getAttribute('href'))!
      await plot.waitFor()
      const at = await plot.locator('path').evaluateAll((paths) => {
        const dots = paths.flatMap((path) => [...path.getAttribute('d')!.matchAll(/M([\d.]+) ([\d.]+)/g)].map((dot) => ({ x: Number(dot[1]), y: Number(dot[2]) })))
        return dots.reduce((top, dot) => (dot.y < top.y ? dot : top))
      })
      const box = (await plot.boundingBox())!
      await page.mouse.click(box.x + at.x + 2, box.y + at.y + 1)
      await expect.poll(() => new URL(page.url()).pathname).toBe(slowest)
    }))

  test('refiners count by any attribute, add and exclude, and say what they leave out', () =>
    browser.visit('/traces', async (page) => {
      const status = page.getByRole('region', { name: 'Status', exact: true })
      await status.getByRole('button', { name: /^200/ }).first().click()
      await parameter(page, 'filter').toBe('http.status = 200')
      await page.getByText(/ of 300 in this time/).waitFor()
      const chosen = status.getByRole('button', { name: /^200/, pressed: true })
      await chosen.waitFor()
      const counted = Number((await page.getByText(/^\d+ traces$/).first().textContent())!.split(' ')[0])
      await grid(page).waitFor()
      await expect.poll(() => grid(page).getAttribute('aria-rowcount')).toBe(String(counted + 1))
      await chosen.click()
      await parameter(page, 'filter').toBeUndefined()
      await status.getByRole('button', { name: 'Exclude 200' }).click()
      await parameter(page, 'filter').toBe('!(http.status = 200)')
      await page.getByText(`${300 - counted} traces`, { exact: true }).first().waitFor()
      expect(await column(page, 'Status')).not.toContain('200')
      await page.goBack()
      await parameter(page, 'filter').toBeUndefined()
      // An annotation, whose key the server found in the data.
      await page.getByRole('button', { name: /Add an attribute/ }).click()
      await page.getByRole('option', { name: /^basket_size/ }).click()
      await parameter(page, 'by').toBe('outcome,service,http.status,http.url,user,annotation[basket_size]')
      const sizes = page.getByRole('region', { name: 'basket_size' })
      const others = Number(/(\d+) other values?, there (?:once|\d+ times)\. +\d+ traces without\./.exec((await sizes.getByText(/other value/).textContent())!)?.[1])
      expect(await sizes.getByRole('listitem').count()).toBe(6)
      await sizes.getByRole('button', { name: 'More' }).click()
      await parameter(page, 'more').toBe('annotation[basket_size]')
      await expect.poll(() => sizes.getByRole('listitem').count()).toBe(6 + others)
      await sizes.getByRole('button', { name: /^7 / }).click()
      await parameter(page, 'filter').toBe('annotation.basket_size = 7')
      await page.getByRole('region', { name: 'User' }).getByRole('button', { name: 'Remove User' }).click()
      await parameter(page, 'by').toBe('outcome,service,http.status,http.url,annotation[basket_size]')
      await grid(page).focus()
      await page.keyboard.press('f')
      await parameter(page, 'by').toBe('none')
      await page.getByRole('complementary', { name: 'Refine' }).waitFor({ state: 'detached' })
    }))

  test('the list scrolls to its end, is walked through by keyboard, and has the columns that one wants', () =>
    browser.visit('/traces?by=none', async (page) => {
      await grid(page).waitFor()
      await expect.poll(() => grid(page).getAttribute('aria-rowcount')).toBe('301')
      // Only what is in sight is drawn.
      expect(await rows(page).count()).toBeLessThan(80)
      for (let i = 0; i < 12; i++) {
        await grid(page).press('End')
        await page.waitForTimeout(100)
      }
      await page.getByText('That is all: 300 traces.').waitFor()
      await expect.poll(() => rows(page).last().getAttribute('aria-rowindex')).toBe('301')
      const times = await column(page, 'Time')
      expect(times).toEqual([...times].sort().reverse())
      await grid(page).press('Home')
      await page.keyboard.press('j')
      await page.keyboard.press('j')
      await page.keyboard.press('k')
      const second = await rows(page).nth(2).getAttribute('id')
      expect(await grid(page).getAttribute('aria-activedescendant')).toBe(second)
      await page.getByRole('button', { name: 'Columns' }).click()
      await page.getByRole('checkbox', { name: 'Client IP' }).check()
      await page.getByRole('checkbox', { name: 'User' }).uncheck()
      await parameter(page, 'cols').toBe('time,outcome,duration,method,status,entry,url,annotations,ip,id')
      await page.keyboard.press('Escape')
      await grid(page).getByRole('columnheader', { name: 'Client IP' }).waitFor()
      expect((await column(page, 'Client IP'))[0]).toMatch(/^203\.0\.113\./)
      await grid(page).focus()
      await page.keyboard.press('Enter')
      await page.waitForURL(`**/traces/${second!.replace('trace-', '')}`)
    }))

  test('it is sorted by what the server can rank, and says by what it cannot', () =>
    browser.visit('/traces?by=none&charts=off', async (page) => {
      await grid(page).waitFor()
      const head = (name: string) => grid(page).getByRole('columnheader', { name })
      expect(await head('Time').getAttribute('aria-sort')).toBe('descending')
      expect(await head('Status').getAttribute('title')).toMatch(/keeps no order by this/)
      expect(await head('Status').getByRole('button').count()).toBe(0)
      await head('Duration').getByRole('button').click()
      await parameter(page, 'sort').toBe('slowest')
      await page.getByRole('columnheader', { name: 'Duration' }).and(page.locator('[aria-sort=descending]')).waitFor()
      const slow = async () => (await column(page, 'Duration')).map(seconds)
      await expect.poll(async () => (await slow())[0]! > 0.5).toBe(true)
      expect(await slow()).toEqual([...(await slow())].sort((a, b) => b - a))
      await head('Duration').getByRole('button').click()
      await parameter(page, 'sort').toBe('fastest')
      await expect.poll(async () => (await slow())[0]! < 0.1).toBe(true)
      expect(await slow()).toEqual([...(await slow())].sort((a, b) => a - b))
      await page.getByRole('button', { name: /^Fastest first Order|^Order/ }).click()
      await page.getByRole('option', { name: /^Oldest first/ }).click()
      await parameter(page, 'sort').toBe('oldest')
      await grid(page).press('End')
      await page.getByText('That is all: 300 traces.').waitFor()
    }))

  test('two that are checked are compared, and the question can be asked in a terminal', () =>
    browser.visit('/traces?filter=ok', async (page) => {
      await grid(page).waitFor()
      const ids = async () => Promise.all([1, 2].map(async (i) => (await rows(page).nth(i).getAttribute('id'))!.replace('trace-', '')))
      const [a, b] = (await ids()) as [string, string]
      await page.keyboard.press('j')
      await page.keyboard.press('x')
      await page.getByText('Check another to compare').waitFor()
      await page.keyboard.press('j')
      await page.keyboard.press('x')
      const link = page.getByRole('link', { name: 'Compare' })
      expect(await link.getAttribute('href')).toBe(`/traces/${a}?compare=${b}`)
      await page.getByRole('button', { name: 'CLI' }).click()
      const commands = page.getByRole('dialog', { name: 'Copy as CLI' })
      await commands.getByText(`tomo traces --endpoint ${tomo.url} --since 1h --filter ok`, { exact: true }).waitFor()
      await commands.getByText(new RegExp(`^aws xray get-trace-summaries --endpoint-url ${tomo.url} --start-time \\d+ --end-time \\d+ --filter-expression ok$`)).waitFor()
      await page.keyboard.press('Escape')
      await page.keyboard.press('c')
      await page.waitForURL(`**/traces/${a}?compare=${b}`)
    }))

  test('all of it is in the URL', () => {
    const at = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString().slice(0, 19) + 'Z'
    const search = new URLSearchParams({ since: '30m', filter: 'http.method = "GET"', sort: 'slowest', cols: 'time,response,url,id', by: 'user,annotation[version]', more: 'user', time: 'response', at: `${at(500)}~${at(60)}`, took: '0.005~30' })
    return browser.visit(`/traces?${search}`, async (page) => {
      await grid(page).waitFor()
      await page.getByRole('button', { name: 'Time: Last 30 minutes' }).waitFor()
      await page.getByRole('group', { name: /^Response time over time: / }).waitFor()
      await page.getByRole('region', { name: 'version' }).getByText('2.1.0').waitFor()
      await page.getByRole('columnheader', { name: 'Response' }).and(page.locator('[aria-sort=descending]')).waitFor()
      expect((await grid(page).getByRole('columnheader').allTextContents()).map((head) => head.trim())).toEqual(['To compare', 'Time', 'Response', 'URL', 'Trace'])
      expect(await page.getByRole('form', { name: 'Selection' }).getByLabel('response time from').inputValue()).toBe('5')
      expect(parameters(page)).toEqual(Object.fromEntries(search))
    })
  })

  test('a long search tells how far it is, and can be stopped', () =>
    browser.visit('/traces?by=none&charts=off', async (page) => {
      // The second page does not come.
      const held: string[] = []
      const ended: string[] = []
      page.on('requestfailed', (request) => ended.push(request.url()))
      await page.route('**/TraceSummaries', async (route) => {
        if ((route.request().postData() ?? '').includes('NextToken') && held.length === 0) held.push(route.request().url())
        else await route.continue()
      })
      await page.reload()
      await grid(page).waitFor()
      for (let i = 0; i < 4; i++) await grid(page).press('PageDown')
      await grid(page).press('End')
      const bar = page.getByRole('progressbar', { name: 'Progress of the search' })
      await bar.waitFor()
      expect(Number(await bar.getAttribute('aria-valuenow'))).toBeGreaterThan(0)
      await page.getByText(/Searched back to .*% of the time, 100 traces found/).waitFor()
      ended.length = 0
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.getByText(/^Stopped\. Searched back to/).waitFor()
      await expect.poll(() => ended).toEqual(held)
      await page.getByRole('button', { name: 'Go on' }).click()
      await grid(page).press('End')
      for (let i = 0; i < 8; i++) {
        await grid(page).press('End')
        await page.waitForTimeout(100)
      }
      await page.getByText('That is all: 300 traces.').waitFor()
    }))

  test('an id leads to its trace, and no match says what to do', async () => {
    await browser.visit('/traces', async (page) => {
      await grid(page).waitFor()
      await page.keyboard.press('/')
      await page.keyboard.insertText('1-5759e988-bd862e3fe1be46a994272793')
      await page.keyboard.press('Control+Enter')
      await page.waitForURL('**/traces/1-5759e988-bd862e3fe1be46a994272793')
    })
    await browser.visit('/traces?filter=ok+AND+user+%3D+%22nobody%22', async (page) => {
      await page.getByRole('heading', { name: 'None of 300 traces matches' }).waitFor()
      await expectAccessible(page)
      await page.getByRole('button', { name: 'Without user = "nobody"' }).click()
      await parameter(page, 'filter').toBe('ok')
      await grid(page).waitFor()
    })
    await browser.visit('/traces?from=2020-01-01T00:00:00Z&to=2020-01-02T00:00:00Z', async (page) => {
      await page.getByRole('heading', { name: 'No traces in this time' }).waitFor()
      await expectAccessible(page)
    })
  })
})

describe('traces as they come', () => {
  const tomo = server()
  const browser = visitor(tomo)
  const shop = new Shop(5)
  const now = () => Date.now() / 1000
  const live = (page: Page) => page.getByRole('grid', { name: 'Traces as they come' })

  test('are shown, wait while the list pauses, and what is skipped is said', () =>
    browser.visit('/traces?live=on', async (page) => {
      await page.getByRole('heading', { name: 'Waiting for traces' }).waitFor()
      await send(tomo.url, shop.trace(now() - 1))
      await live(page).waitFor()
      expect(await live(page).getByRole('row').count()).toBe(2)
      await expectAccessible(page)
      await page.keyboard.press('p')
      await page.getByText('Paused.').waitFor()
      await send(tomo.url, [1, 2, 3].flatMap(() => shop.trace(now() - 1)))
      await page.getByRole('button', { name: 'Go on: 3 wait' }).waitFor()
      expect(await live(page).getByRole('row').count()).toBe(2)
      await page.keyboard.press('p')
      await expect.poll(() => live(page).getByRole('row').count()).toBe(5)
      await send(tomo.url, shop.traces(700, now(), 5))
      await page.getByText(/more came at once than are shown, and the oldest of them were skipped/).waitFor()
      await page.keyboard.press('l')
      await parameter(page, 'live').toBeUndefined()
      await grid(page).waitFor()
    }))

  test('are only those that match', () =>
    browser.visit('/traces?live=on&filter=user+%3D+%22zoe%22', async (page) => {
      await page.getByRole('heading', { name: 'Waiting for traces' }).waitFor()
      const of = (user: string) => shop.trace(now() - 1).map((document) => ('user' in document ? { ...document, user } : document))
      await send(tomo.url, [...of('max'), ...of('zoe')])
      await live(page).waitFor()
      expect(await live(page).getByRole('row').count()).toBe(2)
      await live(page).getByText('zoe').waitFor()
    }))
})
