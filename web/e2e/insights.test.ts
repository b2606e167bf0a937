import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { expectAccessible, server, serverWithPast, visitor } from './harness'
import { Shop } from './shop'

interface Told {
  InsightId: string
  State: 'ACTIVE' | 'CLOSED'
  StartTime: number
  EndTime: number | null
  Summary: string
  ClientRequestImpactStatistics: { FaultCount: number; TotalCount: number }
}

/** The insights that the server tells of, newest first, once there are so many. */
async function insights(url: string, wanted: number): Promise<Told[]> {
  const now = Date.now() / 1000
  let found: Told[] = []
  await expect
    .poll(
      async () => {
        const answer = await fetch(`${url}/InsightSummaries`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ StartTime: now - 86_400, EndTime: now + 60, GroupName: 'Default' }) })
        found = ((await answer.json()) as { InsightSummaries: Told[] }).InsightSummaries
        return found.length
      },
    )
    .toBe(wanted)
  return found
}

const parameters = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams)

describe('insights', () => {
  // For a quarter of an hour payments were in trouble, and search is now.
  const tomo = serverWithPast(() => new Shop(5).past(Date.now() / 1000, 130, 30, (left) => (left > 45 && left <= 60 ? { payments: 0.4 } : left <= 8 ? { search: 0.5 } : {})))
  const browser = visitor(tomo)

  test('are listed and looked at, accessibly', () =>
    browser.visit(
      '/insights?since=3h',
      async (page) => {
        await insights(tomo.url, 2)
        await page.reload()
        const table = page.getByRole('table')
        await table.getByRole('row', { name: /^active Faults search EC2 Instance/ }).waitFor()
        await table.getByRole('row', { name: /^closed Faults payments ElasticBeanstalk Environment/ }).waitFor()
        await expectAccessible(page)
        await table.getByRole('row', { name: /^closed/ }).getByRole('link', { name: 'Faults' }).click()
        await page.getByRole('heading', { name: 'Faults of payments' }).waitFor()
        await page.getByRole('img', { name: /^Faults of payments: \d+ of [\d,]+ requests failed; in [1-9]\d* of \d+ periods more than usual/ }).waitFor()
        await page.getByRole('button', { name: /^payments, .*% faults/ }).waitFor()
        await expectAccessible(page)
      },
    ),
  )

  test('are chosen by state, category and time', () =>
    browser.visit('/insights?since=3h', async (page) => {
      await insights(tomo.url, 2)
      await page.reload()
      const rows = page.getByRole('table').getByRole('row')
      await expect.poll(() => rows.count()).toBe(3)
      await page.getByRole('radio', { name: 'Active 1' }).click()
      await expect.poll(() => rows.count()).toBe(2)
      expect(parameters(page)).toEqual({ since: '3h', state: 'active' })
      await page.keyboard.press('3')
      await page.getByRole('row', { name: /payments/ }).waitFor()
      await page.getByRole('radio', { name: 'Slow responses' }).click()
      await page.getByRole('heading', { name: 'None of the 2 insights in this time is so' }).waitFor()
      await page.reload()
      await page.getByRole('button', { name: 'Show all' }).click()
      await expect.poll(() => rows.count()).toBe(3)
      // The strip has them too, and a time without any says where there are some.
      await page.getByRole('link', { name: /^Faults of payments from/ }).waitFor()
      const before = new Date(Date.now() - 100 * 60_000).toISOString()
      await page.goto(`${tomo.url}/insights?from=${before.slice(0, 10)}T00:00:00Z&to=${before}`)
      await page.getByRole('heading', { name: /^Nothing was out of the usual/ }).waitFor()
      await page.getByText(/There are 2 insights in the last 30 days/).waitFor()
      await page.getByRole('button', { name: 'The last 30 days' }).click()
      await expect.poll(() => rows.count()).toBe(3)
    }))

  test('tell their impact, event by event', () =>
    browser.visit('/insights', async (page) => {
      const closed = (await insights(tomo.url, 2)).find((one) => one.State === 'CLOSED')!
      await page.goto(`${tomo.url}/insights/${closed.InsightId}`)
      const summary = page.getByRole('region', { name: 'Summary' })
      await summary.getByText(closed.Summary).waitFor()
      await summary.getByText(`of ${closed.ClientRequestImpactStatistics.TotalCount}, `).waitFor()
      // Each affected service beside what is usual; f shows response times instead.
      expect(await page.getByRole('img', { name: /^Faults of .* more than usual$/ }).count()).toBe(4)
      await page.keyboard.press('f')
      await page.getByRole('img', { name: /^Response times of payments: p90 up to/ }).waitFor()
      // The first event: the page is as of then.
      const events = page.getByRole('region', { name: 'How it went' }).getByRole('button')
      const first = events.last()
      await first.click()
      await summary.getByText(/^Impact as it was at/).waitFor()
      const { event, chart } = parameters(page)
      expect(chart).toBe('times')
      expect(Number(event)).toBeGreaterThan(closed.StartTime)
      expect(Number(event)).toBeLessThan(closed.EndTime!)
      await page.reload()
      await summary.getByText(/^Impact as it was at/).waitFor()
      expect(await first.getAttribute('aria-pressed')).toBe('true')
      await page.getByText(/until \d\d:\d\d$/).first().waitFor()
      await page.keyboard.press('k')
      await expect.poll(() => parameters(page)['event']).not.toBe(event)
      await page.keyboard.press('Escape')
      await expect.poll(() => parameters(page)['event']).toBeUndefined()
    }))

  test('lead to traces, to what differs and to the map', () =>
    browser.visit('/insights', async (page) => {
      const closed = (await insights(tomo.url, 2)).find((one) => one.State === 'CLOSED')!
      const look = async (link: string) => {
        await page.goto(`${tomo.url}/insights/${closed.InsightId}`)
        await page.getByRole('navigation', { name: 'Look further' }).getByRole('link', { name: link }).click()
      }
      const filter = 'service(id(name: "payments", type: "AWS::ElasticBeanstalk::Environment")) { fault }'
      await look('View traces')
      await page.getByRole('heading', { name: 'Traces', exact: true }).waitFor()
      const { from, to, ...rest } = parameters(page)
      expect(rest).toEqual({ filter })
      expect(Date.parse(from!) / 1000).toBeLessThanOrEqual(closed.StartTime)
      expect(Date.parse(to!) / 1000).toBeGreaterThanOrEqual(closed.EndTime!)
      await look('Compare with the rest')
      await page.getByRole('heading', { name: 'What differs most' }).waitFor()
      expect(parameters(page)).toMatchObject({ a: filter, b: `!(${filter})` })
      await look('The map at that time')
      await page.getByRole('complementary', { name: 'payments' }).waitFor()
    }))

  test('are marked on the map, which leads to them', () =>
    browser.visit('/?since=3h', async (page) => {
      const active = (await insights(tomo.url, 2)).find((one) => one.State === 'ACTIVE')!
      await page.reload()
      const node = page.getByRole('button', { name: /^search, .*insight: Faults have been frequent/ })
      await node.click()
      await page.getByRole('complementary', { name: 'search' }).getByRole('link', { name: 'Look at the insight' }).click()
      await page.waitForURL(new RegExp(`/insights/${active.InsightId}`))
      await page.getByText('and goes on').waitFor()
    }))

  test('that are not there say so', () =>
    browser.visit(
      '/insights/0a1b2c3d-0000-5000-8000-000000000000',
      async (page) => {
        await page.getByRole('heading', { name: 'There is no such insight' }).waitFor()
        await page.getByRole('link', { name: 'To the insights' }).click()
        await page.getByRole('heading', { name: 'Insights', exact: true }).waitFor()
      },
      { complaint: /400 \(Bad Request\)/ },
    ))
})

describe('where nobody watches', () => {
  const tomo = server()
  const browser = visitor(tomo)

  test('the page says how to enable insights', () =>
    browser.visit(
      '/insights',
      async (page) => {
        await page.getByRole('heading', { name: 'Insights are not enabled' }).waitFor()
        await page.getByText('tomo groups update Default --insights').waitFor()
        await expectAccessible(page)
      },
    ),
  )

  test('and lets it be done', () =>
    browser.visit('/insights', async (page) => {
      await page.getByRole('button', { name: 'Enable insights of all traces' }).click()
      await page.getByRole('heading', { name: 'Nothing was out of the usual: last hour' }).waitFor()
      await page.getByText('Nor was anything in the last 30 days.').waitFor()
    }))
})
