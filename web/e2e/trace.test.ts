import { text } from 'node:stream/consumers'
import type { Download, Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { checkout, crowd, traceId } from './checkout'
import { expectAccessible, server, visitor } from './harness'
import { send } from './shop'

const began = Date.now() / 1000 - 120
const failing = traceId(began, 1)
const fine = traceId(began + 1, 2)
const big = traceId(began + 2, 3)
const lacking = traceId(began + 3, 4)
const pieces = traceId(began + 4, 5)
const hostile = traceId(began + 5, 6)

const rows = (page: Page) => page.getByRole('tree', { name: 'Segments and subsegments' })
const row = (page: Page, name: string | RegExp) => rows(page).getByRole('treeitem', { name })
const drawer = (page: Page) => page.getByRole('complementary')
const parameters = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams)
/** What was downloaded, by a browser that may run elsewhere. */
const contentOf = async (file: Download) => text(await file.createReadStream())
const names = (page: Page) => rows(page).getByRole('treeitem').evaluateAll((items) => items.map((item) => `${item.getAttribute('aria-level')} ${item.firstElementChild!.textContent!.split(',')[0]}`))

describe('a trace', () => {
  const tomo = server(async (url) => {
    await send(url, [
      ...checkout(failing, began, { from: traceId(began - 60, 9) }),
      ...checkout(fine, began + 1, { ok: true, recommended: false, slow: 0.1 }),
      ...crowd(big, began + 2, 10_000),
      { trace_id: lacking, id: '00000000000000a1', parent_id: '00000000000000ff', name: 'late', start_time: began, end_time: began + 1 },
      { trace_id: lacking, id: '00000000000000a2', name: 'backwards', start_time: began + 3, end_time: began + 2, cause: '00000000000000ee', fault: true },
      { trace_id: pieces, id: '00000000000000b1', parent_id: '00000000000000b2', type: 'subsegment', name: 'piece', start_time: began, end_time: began + 1 },
    ])
  })
  const browser = visitor(tomo)

  test('is accessible: rows, drawer, services, names, what is lacking', () =>
    browser.visit(
      `/traces/${failing}?span=a000000000000002`,
      async (page) => {
        await drawer(page).getByRole('tab', { name: 'Overview' }).waitFor()
        await page.getByRole('button', { name: /^payments, / }).waitFor()
        await expectAccessible(page)
        for (const tab of [/^Resources/, /^HTTP/, /^Exceptions/, /^Annotations/, /^Metadata/, /^Raw/]) {
          await drawer(page).getByRole('tab', { name: tab }).click()
          await expectAccessible(page)
        }
        await page.getByRole('button', { name: 'Find traces like this' }).click()
        await page.getByRole('dialog', { name: 'Traces like this' }).waitFor()
        await expectAccessible(page)
        await page.keyboard.press('Escape')
        await page.getByRole('radio', { name: 'Services' }).click()
        await expectAccessible(page)
        await page.getByRole('radio', { name: 'Names' }).click()
        await page.getByRole('table').waitFor()
        await expectAccessible(page)
        await page.getByRole('button', { name: 'View', exact: true }).click()
        await page.getByRole('dialog', { name: 'View', exact: true }).waitFor()
        await expectAccessible(page)
      },
    ),
  )

  test('has a map above rows with times, outcomes and marks', () =>
    browser.visit(`/traces/${failing}`, async (page) => {
      await page.getByRole('heading', { name: 'POST /checkout' }).waitFor()
      await page.getByText('fault 502').first().waitFor()
      await page.getByText('480 ms', { exact: true }).first().waitFor()
      await page.getByRole('group', { name: /^Map of this trace: 12 nodes/ }).waitFor()
      // Outcome, status, total and own time, start.
      await row(page, 'storefront, ECS Container, POST /checkout, Fault (5xx), status 502, 472 ms, 44 ms of its own, from 4 ms').waitFor()
      await row(page, /^DynamoDB, UpdateItem stock, Throttle \(429\), status 400, 21 ms, .*inferred$/).waitFor()
      // A gap in which storefront recorded nothing.
      expect(await page.locator('[data-gap="32 ms"]').count()).toBe(1)
      // The critical path, by services.
      await page.getByRole('img', { name: /^api\.northbank\.example 47 %, 226 ms; storefront/ }).waitFor()
      // What is in progress, and whose clock is off.
      await page.getByText('2 segments and subsegments are in progress').waitFor()
      await page.getByText('Clocks differ: payments is behind storefront by 22 ms at the least (1 segment).').waitFor()
      await page.getByRole('button', { name: 'Show payments' }).click()
      await drawer(page).getByText('It says that it began 22 ms before storefront called it').waitFor()
      expect(parameters(page)).toMatchObject({ span: 'a000000000000004' })
      await row(page, /^pick items, in progress/).waitFor()
      await row(page, /^payments, ElasticBeanstalk Environment, .*its clock differs/).waitFor()
      // A node of the map leads to its segments, and fades the others.
      await page.keyboard.press('Escape')
      await drawer(page).waitFor({ state: 'detached' })
      await page.getByRole('button', { name: /^recommendations, Lambda Function, 54 ms/ }).click()
      await page.waitForURL(/node=recommendations/)
      await page.getByRole('complementary', { name: 'Segment recommendations' }).waitFor()
      await page.keyboard.press('Escape')
      await page.waitForURL((url) => !url.searchParams.has('node') && !url.searchParams.has('span'))
    }))

  test('tells all of a segment in the drawer', () =>
    browser.visit(`/traces/${failing}?span=a000000000000002`, async (page) => {
      const tab = (name: RegExp) => drawer(page).getByRole('tab', { name }).click()
      await drawer(page).getByText('The failure comes from').waitFor()
      await tab(/^Resources/)
      await drawer(page).getByText('X-Ray for Node.js').waitFor()
      await drawer(page).getByText('AWS::ECS::Container').waitFor()
      await drawer(page).getByText('v24.1.0').waitFor()
      await tab(/^HTTP/)
      await drawer(page).getByText('http://storefront.internal/checkout').waitFor()
      await tab(/^Metadata/)
      await drawer(page).getByRole('button', { name: 'items [3]' }).waitFor()
      await drawer(page).getByRole('button', { name: 'basket' }).click()
      await drawer(page).getByRole('button', { name: 'items [3]' }).waitFor({ state: 'detached' })
      await tab(/^Annotations 3/)
      const like = drawer(page).getByRole('link', { name: 'Traces with basket_size = 3' })
      expect(new URL((await like.getAttribute('href'))!, tomo.url).searchParams.get('filter')).toBe('annotation.basket_size = 3')
      // Its cause is an exception that payments recorded.
      await tab(/^Exceptions 2/)
      await drawer(page).getByText('The bank did not answer in 250 ms').waitFor()
      await drawer(page).getByText('com/shop/payments/Charge.java:88').waitFor()
      await drawer(page).getByText('14 more frames were left out by who sent it.').waitFor()
      await drawer(page).getByRole('heading', { name: /SocketTimeoutException/ }).waitFor()
      await drawer(page).getByRole('button', { name: 'payments' }).first().click()
      await page.getByRole('complementary', { name: 'Segment payments' }).getByText('Read timed out').waitFor()
      expect(parameters(page)).toMatchObject({ span: 'a000000000000004', tab: 'exceptions' })
      // A statement, in a subsegment.
      await row(page, /^ledger@db.internal/).click()
      await tab(/^SQL/)
      await drawer(page).getByText('JOIN customers c').waitFor()
      await drawer(page).getByText('PostgreSQL', { exact: true }).waitFor()
      // The raw document of a part, and of the segment as a file.
      await tab(/^Raw/)
      await drawer(page).getByText('"database_version": "16.4"').waitFor()
      const saved = page.waitForEvent('download')
      await drawer(page).getByRole('button', { name: 'Download the segment document' }).click()
      expect(JSON.parse(await contentOf(await saved))).toMatchObject({ name: 'payments', id: 'a000000000000004' })
      // Links to other traces.
      await row(page, /^www.shop.example/).click()
      await tab(/^Links 1/)
      await drawer(page).getByText('Comes from').waitFor()
      await drawer(page).getByText('campaign-mails, AWS::SQS::Queue').waitFor()
      expect(await drawer(page).getByRole('link', { name: traceId(began - 60, 9) }).getAttribute('href')).toContain(`/traces/${traceId(began - 60, 9)}?`)
      // Traces like this.
      await page.getByRole('button', { name: 'Find traces like this' }).click()
      await page.getByRole('link', { name: /Same URL/ }).click()
      await page.getByRole('heading', { name: 'Traces' }).waitFor()
      expect(parameters(page)).toMatchObject({ filter: 'service(id(name: "www.shop.example", type: "AWS::ApiGateway::Stage")) AND http.url = "https://www.shop.example/checkout?basket=4711"' })
      await page.getByText(/2 traces/).first().waitFor()
    }))

  test('folds, unfolds and is walked through by keyboard', () =>
    browser.visit(`/traces/${failing}`, async (page) => {
      await row(page, /^read session/).waitFor()
      await page.keyboard.press('c')
      await expect.poll(() => names(page)).toEqual(['1 www.shop.example'])
      await page.keyboard.press('>')
      await page.keyboard.press('>')
      await expect.poll(() => names(page)).toEqual(['1 www.shop.example', '2 storefront', '3 storefront'])
      expect(parameters(page)).toEqual({ depth: '3' })
      await rows(page).focus()
      await page.keyboard.press('End')
      await page.keyboard.press('ArrowRight')
      await row(page, /^read session/).waitFor()
      await page.waitForURL(/fold=a000000000000002/)
      await page.keyboard.press('ArrowRight')
      await expect.poll(() => parameters(page)['span']).toBe('b000000000000002')
      await page.keyboard.press('ArrowLeft')
      await expect.poll(() => parameters(page)['span']).toBe('a000000000000002')
      await page.keyboard.press('e')
      await row(page, /^Redis/).waitFor()
      expect(parameters(page)).toEqual({ span: 'a000000000000002' })
      // By service, with headings.
      await page.keyboard.press('s')
      await page.getByRole('radio', { name: 'Services', checked: true }).waitFor()
      await page.keyboard.press('c')
      await row(page, /^payments, ElasticBeanstalk Environment, 1 segment, .* of its own, 1 failed/).waitFor()
      await page.keyboard.press('s')
      // Inferred segments as rows.
      await page.keyboard.press('i')
      await row(page, /^stock, DynamoDB Table, UpdateItem stock, .*inferred/).waitFor()
      expect(parameters(page)).toMatchObject({ inferred: 'rows' })
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).getByText('Zoom to what is chosen').waitFor()
    }))

  test('is searched: hits, the next of them, only them', () =>
    browser.visit(`/traces/${failing}?depth=2`, async (page) => {
      await row(page, /^storefront/).waitFor()
      await page.keyboard.press('/')
      await page.keyboard.type('stock')
      await page.getByText('2 hits').waitFor()
      await page.keyboard.press('Enter')
      await page.getByText('1 of 2 hits').waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('searchbox', { name: 'Search in the trace' }).fill('card.provider')
      await page.getByRole('searchbox', { name: 'Search in the trace' }).blur()
      await page.getByText('1 hit', { exact: true }).waitFor()
      await page.keyboard.press('n')
      // It was folded away.
      await page.getByRole('complementary', { name: 'Subsegment ledger@db.internal' }).waitFor()
      await expect.poll(() => row(page, /^ledger/).getAttribute('aria-selected')).toBe('true')
      await page.keyboard.press('e')
      await page.getByRole('checkbox', { name: 'only these' }).check()
      await expect.poll(() => names(page)).toEqual(['1 www.shop.example', '2 storefront', '3 storefront', '4 payments', '5 payments', '6 ledger@db.internal'])
      expect(parameters(page)).toMatchObject({ find: 'card.provider', only: 'hits' })
      await page.getByRole('searchbox', { name: 'Search in the trace' }).fill('no such thing')
      await page.getByText('Nothing in this trace says that').waitFor()
    }))

  test('zooms and pans by strip, ruler, wheel, keys and typing', () =>
    browser.visit(`/traces/${failing}`, async (page) => {
      const strip = page.getByRole('img', { name: /^The whole trace: / })
      const box = (await strip.boundingBox())!
      const zoom = async () => {
        const match = /^([\d.]+)-([\d.]+)$/.exec(parameters(page)['zoom'] ?? '')
        return match ? [Number(match[1]), Number(match[2])] : null
      }
      const drag = async (from: number, to: number) => {
        await page.mouse.move(box.x + box.width * from, box.y + 20)
        await page.mouse.down()
        await page.mouse.move(box.x + box.width * to, box.y + 20, { steps: 4 })
        await page.mouse.up()
      }
      await drag(0.2, 0.6)
      await expect.poll(async () => (await zoom())?.map((n) => Math.round(n / 10))).toEqual([10, 31])
      // What is seen is dragged along.
      await drag(0.4, 0.5)
      await expect.poll(async () => (await zoom())?.map((n) => Math.round(n / 10))).toEqual([15, 36])
      await page.keyboard.press('a')
      await expect.poll(async () => (await zoom())?.map((n) => Math.round(n / 10))).toEqual([10, 31])
      await page.keyboard.press('0')
      await expect.poll(zoom).toBeNull()
      const tree = (await rows(page).boundingBox())!
      await page.mouse.move(tree.x + tree.width * 0.8, tree.y + 60)
      await page.keyboard.down('Control')
      await page.mouse.wheel(0, -200)
      await page.keyboard.up('Control')
      await expect.poll(async () => ((await zoom()) ?? [0, 510]).reduce((from, to) => to - from)).toBeLessThan(300)
      await page.getByRole('button', { name: 'View', exact: true }).click()
      await page.getByRole('textbox', { name: 'To' }).fill('500')
      await page.getByRole('textbox', { name: 'To' }).press('Enter')
      await page.getByRole('textbox', { name: 'From' }).fill('150')
      await page.getByRole('textbox', { name: 'From' }).press('Enter')
      await expect.poll(zoom).toEqual([150, 500])
      await page.keyboard.press('Escape')
      await page.getByRole('button', { name: 'Whole time' }).click()
      await expect.poll(zoom).toBeNull()
      await row(page, /^template/).click()
      await page.keyboard.press('z')
      await expect.poll(zoom).toEqual([429.5, 456.5])
      await page.keyboard.press('+')
      await expect.poll(async () => ((await zoom()) ?? [0, 510]).reduce((from, to) => to - from)).toBeLessThan(20)
    }))

  test('is restored from its link', () =>
    browser.visit(`/traces/${failing}?span=b00000000000000c&tab=sql&by=service&fold=s%3Arecommendations%7CAWS%3A%3ALambda%3A%3AFunction&zoom=100-300&find=ada&path=off&map=off&colour=outcome`, async (page) => {
      await drawer(page).getByText('JOIN customers c').waitFor()
      await page.getByRole('radio', { name: 'Services', checked: true }).waitFor()
      expect(await row(page, /^recommendations, Lambda/).getAttribute('aria-expanded')).toBe('false')
      expect(await page.getByRole('searchbox', { name: 'Search in the trace' }).inputValue()).toBe('ada')
      expect(await page.getByRole('group', { name: /^Map of this trace/ }).count()).toBe(0)
      await page.getByRole('button', { name: 'View', exact: true }).click()
      expect(await page.getByRole('textbox', { name: 'From' }).inputValue()).toBe('100')
      expect(await page.getByRole('checkbox', { name: /Critical path/ }).isChecked()).toBe(false)
      expect(await page.getByRole('checkbox', { name: /Colours of outcomes/ }).isChecked()).toBe(true)
    }))

  test('tells names with their figures', () =>
    browser.visit(`/traces/${failing}?by=name`, async (page) => {
      await page.getByRole('row', { name: /api\.northbank\.example remote 1 226 ms/ }).waitFor()
      await page.getByRole('button', { name: 'template' }).click()
      await page.getByRole('complementary', { name: 'Subsegment template' }).waitFor()
      await row(page, /^template/).waitFor()
    }))

  test('is downloaded as segment documents', () =>
    browser.visit(`/traces/${failing}`, async (page) => {
      const saved = page.waitForEvent('download')
      await page.getByRole('button', { name: 'Download as JSON' }).click()
      const file = await saved
      expect(file.suggestedFilename()).toBe(`trace-${failing}.json`)
      const documents = JSON.parse(await contentOf(file)) as { id: string; inferred?: boolean }[]
      expect(documents.filter((one) => !one.inferred).map((one) => one.id).sort()).toEqual(['a000000000000001', 'a000000000000002', 'a000000000000003', 'a000000000000004', 'a000000000000005'])
    }))

  test('is found by any way to write its id, pasted or typed', () =>
    browser.visit('/', async (page) => {
      const hex = failing.slice(2).replace('-', '')
      await page.getByRole('heading', { name: 'Trace map' }).waitFor()
      await page.keyboard.press('g')
      await page.keyboard.press('#')
      const dialog = page.getByRole('dialog', { name: 'Go to a trace' })
      await dialog.getByRole('textbox').fill('4711')
      await dialog.getByRole('button', { name: 'Go' }).click()
      await dialog.getByRole('alert').waitFor()
      await dialog.getByRole('textbox').fill(`00-${hex}-b00000000000000c-01`)
      await dialog.getByRole('button', { name: 'Go' }).click()
      await page.getByRole('complementary', { name: 'Subsegment ledger@db.internal' }).waitFor()
      await page.goto(`${tomo.url}/traces/${hex}`)
      await page.getByRole('heading', { name: 'POST /checkout' }).waitFor()
      await page.goto(`${tomo.url}/traces`)
      await page.getByRole('heading', { name: 'Traces' }).waitFor()
      await page.evaluate((text) => {
        const clipboardData = new DataTransfer()
        clipboardData.setData('text/plain', text)
        document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true }))
      }, `Root=${fine};Sampled=1`)
      await page.waitForURL(`**/traces/${fine}`)
      await page.keyboard.press('g')
      await page.keyboard.press('#')
      await dialog.getByRole('button', { name: /^POST \/checkout/ }).first().waitFor()
    }))

  test('says what it lacks', () =>
    browser.visit(`/traces/${lacking}?span=00000000000000a2`, async (page) => {
      await page.getByText('1 segment names a caller that is not here').waitFor()
      await page.getByText('1 segment or subsegment ends before it begins.').waitFor()
      await drawer(page).getByText('It says that it ended 1 s before it began.').waitFor()
      await drawer(page).getByRole('tab', { name: 'Exceptions' }).click()
      await drawer(page).getByText('which no segment of this trace records').waitFor()
      await page.getByRole('button', { name: 'Show late' }).click()
      await drawer(page).getByText('is not in the trace: it was not sent').waitFor()
      await page.goto(`${tomo.url}/traces/${pieces}`)
      await page.getByText('Only pieces of this trace have come').waitFor()
      await page.goto(`${tomo.url}/traces/${failing}?span=0123456789abcdef`)
      await page.getByText('What was chosen is not in this trace').waitFor()
    }))

  test('that has not come is waited for, and shown when it comes', () =>
    browser.visit(
      `/traces/${traceId(began + 30, 71)}`,
      async (page) => {
        await page.getByText('This trace has not come yet').waitFor()
        await page.getByText(/Looking again for it, for \d+ s more/).waitFor()
        await expectAccessible(page)
        const documents = checkout(traceId(began + 30, 71), began + 30, {})
        await send(tomo.url, documents.slice(0, 1))
        await page.getByRole('heading', { name: 'POST /checkout' }).waitFor()
      },
    ),
  )

  test('grows while it is looked at', () => {
    const now = Date.now() / 1000
    const id = traceId(now, 80)
    const [first, ...rest] = checkout(id, now - 1, { ok: true })
    return browser.visit(`/traces/${id}`, async (page) => {
      await page.getByText('This trace has not come yet').waitFor()
      await send(tomo.url, [first!])
      await page.getByText('live').waitFor()
      await send(tomo.url, rest)
      await row(page, /^recommendations, Lambda Function/).waitFor()
    })
  })

  test('with a bad id is told what ids are like', () =>
    browser.visit('/traces/1-2-3', async (page) => {
      await page.getByText('This is no id of a trace').waitFor()
      await expectAccessible(page)
    }))

  test('of 10,000 segments and subsegments is drawn, scrolled and searched', () =>
    browser.visit(`/traces/${big}`, async (page) => {
      await row(page, /^import, service, POST \/run/).waitFor()
      await page.getByText('7,497 sub').waitFor()
      // Only what is in sight is in the page.
      expect(await rows(page).getByRole('treeitem').count()).toBeLessThan(80)
      await rows(page).focus()
      await page.keyboard.press('End')
      await row(page, /^store/).last().waitFor()
      await expect.poll(() => parameters(page)['span']).toBe('e0000000000009c2')
      await page.getByRole('searchbox', { name: 'Search in the trace' }).fill('/items/1777')
      await page.getByText('2 hits').waitFor()
      await page.getByRole('searchbox', { name: 'Search in the trace' }).press('Enter')
      await page.getByRole('complementary', { name: 'Subsegment worker-1' }).waitFor()
    }))

  test('shows texts of others as texts', async () => {
    const nasty = '<img src=x onerror=alert(1)>{{7*7}}</script><script>alert(2)</script>'
    await send(tomo.url, [
      {
        trace_id: hostile,
        id: '00000000000000c1',
        name: 'hostile',
        start_time: began,
        end_time: began + 1,
        fault: true,
        user: nasty,
        origin: nasty,
        http: { request: { method: nasty, url: `javascript:alert(1)//${nasty}` }, response: { status: 500 } },
        aws: { [nasty]: nasty, xray: { sdk: nasty } },
        annotations: { key: nasty },
        metadata: { [nasty]: { __proto__: nasty, constructor: [nasty] } },
        cause: { working_directory: nasty, exceptions: [{ id: '00000000000000c2', type: nasty, message: nasty, stack: [{ path: nasty, label: nasty, line: 1 }] }] },
        subsegments: [{ id: '00000000000000c3', name: 'sql', namespace: 'remote', start_time: began, end_time: began + 1, sql: { sanitized_query: nasty, url: nasty } }],
      },
    ])
    await browser.visit(`/traces/${hostile}?span=00000000000000c1&find=${encodeURIComponent(nasty)}`, async (page) => {
      let dialogs = 0
      page.on('dialog', (dialog) => {
        dialogs++
        void dialog.dismiss()
      })
      for (const tab of ['Resources', 'HTTP', 'Exceptions', 'Annotations', 'Metadata', 'Raw']) {
        await drawer(page).getByRole('tab', { name: new RegExp(`^${tab}`) }).click()
        await drawer(page).getByText('onerror=alert(1)').first().waitFor()
      }
      await page.getByRole('button', { name: 'Find traces like this' }).click()
      await page.getByRole('dialog', { name: 'Traces like this' }).waitFor()
      expect(dialogs).toBe(0)
      expect(await page.locator('main img[src=x]').count()).toBe(0)
    })
  })

  test('is compared with another', () =>
    browser.visit(
      `/traces/${failing}`,
      async (page) => {
        await row(page, /^www.shop.example/).waitFor()
        await page.keyboard.press('v')
        const dialog = page.getByRole('dialog', { name: 'Compare with another trace' })
        await dialog.getByText('Of the same request').waitFor()
        await dialog.getByRole('button', { name: /^The quickest/ }).waitFor()
        await expectAccessible(page)
        await dialog.getByRole('textbox', { name: 'The id of a trace' }).fill(failing)
        await page.keyboard.press('Enter')
        await dialog.getByText('This is the same trace.').waitFor()
        await dialog.getByRole('button').filter({ hasText: fine }).first().click()
        await page.waitForURL(`**/traces/${failing}?compare=${fine}*`)
        const both = page.getByRole('tree', { name: 'Both traces, aligned' })
        await both.getByRole('treeitem', { name: 'recommendations, A 54 ms, not in B, only in A' }).waitFor()
        await both.getByRole('treeitem', { name: 'api.northbank.example, A 226 ms, B 326 ms, longer' }).waitFor()
        await expectAccessible(page)
        const side = page.getByRole('region', { name: 'Trace B' })
        await side.getByText('580 ms').waitFor()
        await side.getByText('+100 ms').first().waitFor()
        await page.getByRole('checkbox', { name: 'Only what differs' }).check()
        await both.getByRole('treeitem', { name: /^template/ }).waitFor({ state: 'detached' })
        await page.getByRole('tab', { name: /^Differences/ }).click()
        const first = page.getByRole('table').getByRole('row').nth(1)
        await first.getByText('+100 ms').waitFor()
        await first.getByRole('button', { name: /^api.northbank.example/ }).waitFor()
        await expectAccessible(page)
        expect(parameters(page)).toMatchObject({ compare: fine, tab: 'table', same: 'off' })
        await page.getByRole('button', { name: 'The other way round' }).click()
        await page.waitForURL(`**/traces/${fine}?compare=${failing}*`)
        await both.getByRole('treeitem', { name: 'recommendations, not in A, B 54 ms, only in B' }).waitFor()
        await page.keyboard.press('Escape')
        await page.waitForURL((url) => !url.searchParams.has('compare'))
      },
    ),
  )
})

describe('a trace of a server that drops and limits', () => {
  const tomo = server(async (url) => {
    await fetch(`${url}/console/api/keep-rules`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ Revision: 0, Rules: [{ Name: 'nothing', Filter: 'service("gone")', Rate: 0 }] }) })
    const gone = { trace_id: traceId(began, 1), id: '00000000000000d1', name: 'gone', start_time: began, end_time: began + 1 }
    await send(url, [gone])
    for (let i = 0; i < 200; i++) {
      const rules = (await (await fetch(`${url}/console/api/keep-rules`)).json()) as { Rules: { Dropped: number }[] }
      if (rules.Rules[0]!.Dropped > 0) return
      await new Promise((done) => setTimeout(done, 100))
    }
    throw new Error('the keep rule dropped nothing')
  }, '--max-trace-segments', '3', '--quiet', '200ms')
  const browser = visitor(tomo)

  test('says that it may have been dropped', () =>
    browser.visit(`/traces/${traceId(began, 1)}`, async (page) => {
      await page.getByText('Keep rules dropped 1 trace so far, after counting them (nothing). This may be one.').waitFor()
    }))

  test('says that it reached the limit', async () => {
    const id = traceId(began, 2)
    const documents = Array.from({ length: 6 }, (_, i) => JSON.stringify({ trace_id: id, id: `00000000000000e${i}`, name: 'many', start_time: began, end_time: began + 1, ...(i > 0 ? { parent_id: '00000000000000e0' } : {}) }))
    await fetch(`${tomo.url}/TraceSegments`, { method: 'POST', body: JSON.stringify({ TraceSegmentDocuments: documents }) })
    await browser.visit(`/traces/${id}`, async (page) => {
      await page.getByText('The trace reached the limit for one trace').waitFor()
      await page.getByText(/3 documents of it were refused/).waitFor()
    })
  })
})
