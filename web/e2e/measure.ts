// Measures what a reader waits for, in Chromium and against the program itself: npm run
// measure. It asserts nothing, as figures hang on the machine; it prints a table for
// docs/benchmarks.md, with medians and, behind them, the slowest.
import { availableParallelism, cpus } from 'node:os'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { afterAll, beforeAll, test } from 'vitest'
import { server } from './harness'
import { send, Shop } from './shop'

const runs = Number(process.env['RUNS'] ?? 9)

/** Services in a chain of three, so that there are several columns. */
async function fiveHundred(url: string): Promise<void> {
  const began = Date.now() / 1000 - 60
  const documents = []
  for (let i = 0; i < 500; i++) {
    const trace_id = `1-${Math.floor(began).toString(16)}-${i.toString(16).padStart(24, '0')}`
    const [a, b, call] = ['a', 'b', 'c'].map((letter) => letter + i.toString(16).padStart(15, '0')) as [string, string, string]
    documents.push(
      { trace_id, id: a, name: `service-${Math.floor(i / 3)}`, start_time: began, end_time: began + 0.2, subsegments: [{ id: call, name: `service-${i}`, namespace: 'remote', start_time: began, end_time: began + 0.1 }] },
      { trace_id, id: b, parent_id: call, name: `service-${i}`, start_time: began, end_time: began + 0.1 },
    )
  }
  await send(url, documents)
}

const shop = server(async (url) => send(url, new Shop(5).traces(3000, Date.now() / 1000, 1800)))
const crowd = server(fiveHundred)

let browser: Browser
const lines: string[] = []

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] })
})
afterAll(async () => {
  console.log(`${cpus()[0]?.model ?? 'unknown'}, ${availableParallelism()} cores; Chromium ${browser.version()}; ${runs} runs\n\n| | CPU | median | slowest |\n|---|---|---|---|\n${lines.join('\n')}`)
  await browser.close()
})

interface View {
  /** Milliseconds since the navigation began. */
  paint: number
  seen: number
  bytes: number
  /** What the page's main thread worked until then, in milliseconds: it does not hang on what else the machine does. */
  work: number
}

/** open is one visit, with a CPU that is so many times slower. */
async function open(context: BrowserContext, url: string, slower: number, selector: string, least = 1): Promise<View> {
  const page = await context.newPage()
  const devtools = await context.newCDPSession(page)
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: slower })
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  await page.addInitScript(
    ([selector, least]) => {
      // Tells when so many are there and were painted.
      const look = () => {
        if (document.querySelectorAll(selector).length < least) return requestAnimationFrame(look)
        requestAnimationFrame(() => setTimeout(() => performance.mark('seen')))
        return 0
      }
      look()
    },
    [selector, least] as const,
  )
  await page.goto(url, { waitUntil: 'commit' })
  await page.waitForFunction(() => performance.getEntriesByName('seen').length > 0 && performance.getEntriesByName('first-contentful-paint').length > 0, undefined, { timeout: 60_000 })
  const view = await page.evaluate(() => ({
    paint: performance.getEntriesByName('first-contentful-paint')[0]!.startTime,
    seen: performance.getEntriesByName('seen')[0]!.startTime,
    bytes: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].reduce((sum, entry) => sum + (/\/assets\/|\/$/.test(new URL(entry.name).pathname) || entry.entryType === 'navigation' ? (entry as PerformanceResourceTiming).encodedBodySize : 0), 0),
  }))
  const work = (await devtools.send('Performance.getMetrics')).metrics.find((metric) => metric.name === 'TaskDuration')!.value * 1000
  await page.close()
  return { ...view, work }
}

const middle = (numbers: number[]) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]!
function tell(what: string, slower: number, numbers: number[], unit = 'ms'): void {
  lines.push(`| ${what} | ${slower === 1 ? 'as it is' : `${slower} times slower`} | ${Math.round(middle(numbers))} ${unit} | ${Math.round(Math.max(...numbers))} ${unit} |`)
}

const views = [
  { what: 'the trace map of a shop', path: '/', selector: '[data-node]', least: 10, from: shop },
  { what: 'the list of traces', path: '/traces', selector: 'main table tbody tr, main [role=row]', least: 2, from: shop },
  { what: 'a map of 500 services', path: '/', selector: '[data-node]', least: 500, from: crowd },
]

for (const { what, path, selector, least, from } of views) {
  for (const slower of [4, 1]) {
    test(`${what}, ${slower} times slower`, async () => {
      const fresh: View[] = []
      const again: View[] = []
      for (let run = 0; run < runs; run++) {
        const context = await browser.newContext({ viewport: { width: 1400, height: 860 } })
        fresh.push(await open(context, from.url + path, slower, selector, least))
        again.push(await open(context, from.url + path, slower, selector, least))
        await context.close()
      }
      tell(`first paint, ${what}, first visit`, slower, fresh.map((view) => view.paint))
      tell(`first paint, ${what}, another visit`, slower, again.map((view) => view.paint))
      tell(`all is drawn, ${what}, first visit`, slower, fresh.map((view) => view.seen))
      tell(`all is drawn, ${what}, another visit`, slower, again.map((view) => view.seen))
      if (slower === 1) tell(`main thread busy until then, ${what}, first visit`, slower, fresh.map((view) => view.work))
      if (slower === 1) tell(`sent for ${what}, packed`, slower, fresh.map((view) => view.bytes / 1000), 'kB')
    })
  }
}

test('completion', async () => {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.goto(`${shop.url}/traces`)
  const field = page.getByRole('textbox', { name: 'Filter expression' })
  await field.click()
  const waited: number[] = []
  for (const typed of ['service("', 'annotation.', 'http.url CONTAINS "', 'user = "', 'fau', 'service("check', 'edge("storefront", "', 'http.status = ', 'respon', 'service(id(name: "']) {
    await page.keyboard.press('Control+a')
    await page.keyboard.press('Delete')
    await page.locator('.cm-tooltip-autocomplete').waitFor({ state: 'detached' })
    await page.keyboard.insertText(typed.slice(0, -1))
    await page.keyboard.press('Escape')
    await page.locator('.cm-tooltip-autocomplete').waitFor({ state: 'detached' })
    waited.push(await untilSuggested(page, typed.slice(-1)))
  }
  tell('from a key to suggestions, 3,000 traces', 1, waited)
  await context.close()
})

/** untilSuggested is how long after a key suggestions are painted, by the clock of the page. */
async function untilSuggested(page: Page, key: string): Promise<number> {
  await page.evaluate(() => {
    const state = window as unknown as { began: number; ended: number }
    state.began = state.ended = 0
    addEventListener('keydown', () => (state.began = performance.now()), { once: true, capture: true })
    const look = () => {
      const open = deepQuery(document, '.cm-tooltip-autocomplete li')
      if (state.began === 0 || !open) return requestAnimationFrame(look)
      return requestAnimationFrame(() => setTimeout(() => (state.ended = performance.now())))
    }
    // The editor lives in a shadow root.
    function deepQuery(root: Document | ShadowRoot, selector: string): Element | null {
      const found = root.querySelector(selector)
      if (found) return found
      for (const element of root.querySelectorAll('*')) {
        const inside = element.shadowRoot && deepQuery(element.shadowRoot, selector)
        if (inside) return inside
      }
      return null
    }
    look()
  })
  await page.keyboard.type(key)
  return page.waitForFunction(() => {
    const { began, ended } = window as unknown as { began: number; ended: number }
    return ended > 0 ? ended - began : false
  }).then((handle) => handle.jsonValue() as Promise<number>)
}
