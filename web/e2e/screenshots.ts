// Takes the pictures in docs/images: npm run screenshots. The shop is open for some
// minutes before (MINUTES, 12 if not said), as time series count by the minute in which
// segments come; in the middle, payments are in trouble.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { test } from 'vitest'
import { server, themes, visitor } from './harness'
import { send, Shop } from './shop'

const minutes = Number(process.env['MINUTES'] ?? 12)
const images = join(import.meta.dirname, '../../docs/images')

const tomo = server(async (url) => {
  mkdirSync(images, { recursive: true })
  const shop = new Shop(3)
  for (let second = 0; second < minutes * 60; second++) {
    const busy = 6 + 3 * Math.sin(second / 90)
    shop.trouble = second > minutes * 27 && second < minutes * 36 ? { payments: 0.25 } : {}
    await send(url, Array.from({ length: Math.round(busy) }, (_, i) => shop.trace(Date.now() / 1000 - 2 + i / 20)).flat())
    await new Promise((done) => setTimeout(done, 1000))
  }
})
const browser = visitor(tomo)

interface Picture {
  name: string
  path: string
  /** What has to be there before the picture is taken. */
  ready: (page: Page) => Promise<unknown>
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
  { name: 'map-table', path: `/?${since}&view=table`, ready: (page) => page.getByRole('table').waitFor() },
]

for (const theme of themes) {
  for (const picture of pictures) {
    test(`${picture.name}, ${theme}`, () =>
      browser.visit(
        picture.path,
        async (page) => {
          await picture.ready(page)
          await page.waitForTimeout(500) // until nothing moves
          await page.screenshot({ path: join(images, `${picture.name}-${theme}.png`) })
        },
        { theme },
      ))
  }
}
