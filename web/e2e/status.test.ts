import { describe, expect, test } from 'vitest'
import { expectAccessible, server, visitor } from './harness'
import { send, Shop } from './shop'

async function ask(url: string, body: object): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  expect(answer.status).toBe(200)
}

describe('the status', () => {
  const tomo = server(async (url) => {
    await send(url, new Shop(2).traces(120, Date.now() / 1000 - 20, 300))
    await ask(`${url}/TraceSegments`, { TraceSegmentDocuments: ['{"id":"broken"}', '{'] })
    await ask(`${url}/TelemetryRecords`, { Hostname: 'web-1', TelemetryRecords: [{ Timestamp: Date.now() / 1000, SegmentsReceivedCount: 12, SegmentsSentCount: 10, SegmentsSpilloverCount: 2 }] })
  })
  const browser = visitor(tomo)

  test('is accessible', () =>
    browser.visit(
      '/status',
      async (page) => {
        await page.getByRole('region', { name: 'Daemons' }).waitFor()
        await page.getByRole('img', { name: /^Documents stored a second: documents now/ }).waitFor()
        await expectAccessible(page)
      },
    ),
  )

  test('tells what comes, what was lost and why, and what is stored', () =>
    browser.visit('/status', async (page) => {
      await page.getByText(/^Tomo .*, up /).waitFor()
      await page.getByText('live', { exact: true }).waitFor()
      const losses = page.getByRole('region', { name: 'Latest losses' })
      expect(await losses.getByRole('row').count()).toBe(3) // with the head
      await losses.getByText(/Invalid segment/).first().waitFor()
      await page.getByRole('button', { name: /^Reason/ }).or(page.getByRole('button', { name: /All 2/ })).first().click()
      await page.getByRole('option', { name: /^Dropped 0/ }).click()
      await page.getByText('None of the latest thousand cases').or(page.getByText('Nothing. Everything that was sent')).first().waitFor()
      expect(new URL(page.url()).searchParams.get('reason')).toBe('dropped')
      const daemon = page.getByRole('row', { name: /^web-1/ })
      await daemon.getByRole('cell', { name: '12', exact: true }).waitFor()
      const puts = page.getByRole('row', { name: /^PutTraceSegments/ })
      await puts.waitFor()
      await page.getByText(/http: \d+ documents/).waitFor()
      await page.getByRole('link', { name: '1 group' }).waitFor()
    }))

  test('follows what happens, until it is paused', () =>
    browser.visit('/status', async (page) => {
      const refused = page.getByRole('region', { name: 'Latest losses' }).getByRole('row')
      await refused.first().waitFor()
      const before = await refused.count()
      await ask(`${tomo.url}/TraceSegments`, { TraceSegmentDocuments: ['{"id":"later"}'] })
      await expect.poll(() => refused.count()).toBe(before + 1) // by itself
      await page.keyboard.press('p')
      await page.getByText('paused', { exact: true }).waitFor()
      expect(new URL(page.url()).searchParams.get('paused')).toBe('yes')
      await ask(`${tomo.url}/TraceSegments`, { TraceSegmentDocuments: ['{"id":"latest"}'] })
      await page.keyboard.press('r')
      await expect.poll(() => refused.count()).toBe(before + 2)
      await page.getByRole('radio', { name: 'Last day' }).click()
      await page.getByRole('img', { name: /^Documents lost in a minute/ }).waitFor()
      expect(new URL(page.url()).searchParams.get('span')).toBe('day')
    }))
})
