// Takes the pictures in docs/images: npm run screenshots. The shop has been open for
// three hours; an hour ago payments were in trouble, and now search is.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { test } from 'vitest'
import { serverWithPast, themes, visitor } from './harness'
import { Shop } from './shop'

const images = join(import.meta.dirname, '../../docs/images')
mkdirSync(images, { recursive: true })

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

interface Picture {
  name: string
  path: string | (() => string)
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
}
