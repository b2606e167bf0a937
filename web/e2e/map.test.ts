import { describe, expect, test } from 'vitest'
import { expectAccessible, server, visitor } from './harness'
import { send, Shop } from './shop'

describe('a server without traces', () => {
  const tomo = server()
  const browser = visitor(tomo)

  test('tells how to send one, accessibly', () =>
    browser.visit(
      '/',
      async (page) => {
        await page.getByRole('heading', { name: 'Send your first trace' }).waitFor()
        await page.getByText(`AWS_ENDPOINT_URL_XRAY=${tomo.url}`).waitFor()
        await page.getByText(`AWS_XRAY_DAEMON_ADDRESS=${tomo.url.replace('http://', '')}`).waitFor()
        await page.getByRole('tab', { name: 'curl' }).click()
        await page.getByText(`curl ${tomo.url}/TraceSegments`).waitFor()
        await expectAccessible(page)
      },
    ),
  )

  test('shows the sample trace that it sends', () =>
    browser.visit('/', async (page) => {
      await page.getByRole('button', { name: 'Send a sample trace' }).click()
      await page.getByRole('button', { name: /^payments, ECS Container/ }).waitFor()
      await page.getByText(/1 request of clients/).waitFor()
    }))
})

describe('the map', () => {
  const tomo = server(async (url) => send(url, new Shop(7).traces(300, Date.now() / 1000, 600)))
  const browser = visitor(tomo)
  const checkout = '/?node=checkout%7CAWS%3A%3AECS%3A%3AContainer'

  test('is accessible as a drawing, with a panel and as a table', () =>
    browser.visit(
      '/',
      async (page) => {
        const node = page.getByRole('button', { name: /^checkout, / })
        await node.waitFor()
        await expectAccessible(page)
        await node.click()
        await page.getByRole('complementary', { name: 'checkout' }).waitFor()
        await expectAccessible(page)
        await page.getByRole('radio', { name: 'Table' }).click()
        await page.getByRole('table').waitFor()
        await expectAccessible(page)
      },
    ),
  )

  test('shows each service with its figures', () =>
    browser.visit('/', async (page) => {
      await page.getByRole('button', { name: /^payments, ElasticBeanstalk Environment, .* on average, .*Fault/ }).waitFor()
      await page.getByRole('button', { name: /^baskets, DynamoDB Table, .*Throttle/ }).waitFor()
      await page.getByText(/300 requests of clients/).waitFor()
    }))

  test('makes a filter of what is chosen in the panel', () =>
    browser.visit(checkout, async (page) => {
      const panel = page.getByRole('complementary', { name: 'checkout' })
      await panel.getByRole('checkbox', { name: 'Fault (5xx)' }).check()
      await panel.getByText('service(id(name: "checkout", type: "AWS::ECS::Container")) { fault }').waitFor()
      const histogram = panel.getByRole('img', { name: /^Response times/ })
      const box = (await histogram.boundingBox())!
      await page.mouse.move(box.x + 40, box.y + 60)
      await page.mouse.down()
      await page.mouse.move(box.x + 160, box.y + 60, { steps: 5 })
      await page.mouse.up()
      await panel.getByText(/\{ fault AND responsetime >= [\d.]+ AND responsetime < [\d.]+ \}/).waitFor()
      await panel.getByRole('link', { name: 'View these traces' }).click()
      await page.getByRole('heading', { name: 'Traces' }).waitFor()
      expect(new URL(page.url()).searchParams.get('filter')).toMatch(/^service\(id\(name: "checkout".* \{ fault AND responsetime/)
    }))

  test('has panels of connections', () =>
    browser.visit(checkout, async (page) => {
      await page.getByRole('complementary', { name: 'checkout' }).getByRole('button', { name: 'payments', exact: true }).focus()
      await page.keyboard.press('Tab')
      await page.keyboard.press('Enter')
      const panel = page.getByRole('complementary', { name: 'checkout to payments' })
      await panel.getByText('edge(id(name: "checkout", type: "AWS::ECS::Container"), id(name: "payments", type: "AWS::ElasticBeanstalk::Environment"))').waitFor()
      expect(new URL(page.url()).searchParams.get('edge')).toContain('payments')
    }))

  test('is walked through with the keyboard', () =>
    browser.visit('/', async (page) => {
      await page.getByRole('button', { name: /^storefront, / }).focus()
      await page.keyboard.press('ArrowLeft')
      await page.keyboard.press('Enter')
      await page.getByRole('complementary', { name: 'www.shop.example' }).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('complementary').waitFor({ state: 'detached' })
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
      await page.keyboard.press('Escape')
      await page.keyboard.press('t')
      await page.getByRole('table').waitFor()
    }))

  test('stays as it was when it is refreshed', () =>
    browser.visit('/', async (page) => {
      const places = () => page.locator('[data-node]').evaluateAll((nodes) => nodes.map((node) => [node.getAttribute('data-node'), node.getAttribute('transform')]))
      await page.getByRole('button', { name: /^checkout, / }).waitFor()
      const before = Object.fromEntries(await places()) as Record<string, string>
      const trace_id = `1-${Math.floor(Date.now() / 1000).toString(16)}-abcdefabcdefabcdefabcdef`
      await send(tomo.url, [{ trace_id, id: 'abcdefabcdefabcd', name: 'newcomer', start_time: Date.now() / 1000 - 1, end_time: Date.now() / 1000 }])
      await page.keyboard.press('r')
      await page.getByRole('button', { name: /^newcomer, \d/ }).waitFor()
      const after = Object.fromEntries(await places()) as Record<string, string>
      expect(after).toMatchObject(before)
    }))

  test('keeps what is seen in the URL', () =>
    browser.visit('/?since=15m&size=traffic&view=table&node=nobody', async (page) => {
      await page.getByRole('button', { name: 'Time: Last 15 minutes' }).waitFor()
      await page.getByText('What was chosen had no traffic in this time.').waitFor()
      await page.getByRole('radio', { name: 'Map' }).click()
      await page.getByRole('button', { name: /By traffic/ }).waitFor()
      const { searchParams } = new URL(page.url())
      expect(Object.fromEntries(searchParams)).toEqual({ since: '15m', size: 'traffic', node: 'nobody' })
    }))
})

describe('a map of 500 services', () => {
  const tomo = server(async (url) => {
    const began = Date.now() / 1000 - 60
    const documents = []
    for (let i = 0; i < 500; i++) {
      // Each is called by one before it, so that there are several columns.
      const trace_id = `1-${Math.floor(began).toString(16)}-${i.toString(16).padStart(24, '0')}`
      const caller = Math.floor(i / 3)
      const [a, b, call] = [`a${i.toString(16).padStart(15, '0')}`, `b${i.toString(16).padStart(15, '0')}`, `c${i.toString(16).padStart(15, '0')}`]
      documents.push({ trace_id, id: a, name: `service-${caller}`, start_time: began, end_time: began + 0.2, subsegments: [{ id: call, name: `service-${i}`, namespace: 'remote', start_time: began, end_time: began + 0.1 }] }, { trace_id, id: b, parent_id: call, name: `service-${i}`, start_time: began, end_time: began + 0.1 })
    }
    await send(url, documents)
  })
  const browser = visitor(tomo)

  test('is drawn', () =>
    browser.visit('/', async (page) => {
      await page.locator('[data-node]').first().waitFor()
      expect(await page.locator('[data-node]').count()).toBeGreaterThan(500)
      await page.getByRole('searchbox', { name: 'Search a service' }).fill('service-499')
      await page.getByText('1 service', { exact: true }).waitFor()
      await page.keyboard.press('Enter')
      await page.getByRole('complementary', { name: 'service-499' }).waitFor()
    }))
})
