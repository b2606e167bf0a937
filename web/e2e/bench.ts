// Measures the page of a large trace: npm run bench. It prints figures and holds nothing against them.
import type { Page } from 'playwright-core'
import { test } from 'vitest'
import { checkout, crowd, traceId } from './checkout'
import { server, visitor } from './harness'
import { send } from './shop'

const began = Date.now() / 1000 - 600
const sizes = [25, 1000, 10_000]
const ids = sizes.map((_, i) => traceId(began, i + 1))

const tomo = server(async (url) => {
  for (const [i, size] of sizes.entries()) await send(url, i === 0 ? checkout(ids[i]!, began) : crowd(ids[i]!, began, size))
})
const browser = visitor(tomo)

/** drawn opens a page and tells how long it took from the end of an answer to the frame that shows rows, in milliseconds. */
async function drawn(page: Page): Promise<{ answer: number; size: number; drawn: number }> {
  return page.evaluate(async () => {
    const rows = () => document.querySelector('[role=treeitem]')
    if (!rows()) {
      await new Promise<void>((done) => {
        const observer = new MutationObserver(() => {
          if (!rows()) return
          observer.disconnect()
          done()
        })
        observer.observe(document.body, { subtree: true, childList: true })
      })
    }
    // Behind the next frame it has been painted.
    await new Promise((done) => requestAnimationFrame(() => setTimeout(done)))
    const painted = performance.now()
    const entry = performance.getEntriesByType('resource').find((one) => one.name.endsWith('/Traces')) as PerformanceResourceTiming
    return { answer: entry.responseEnd - entry.requestStart, size: entry.decodedBodySize, drawn: painted - entry.responseEnd }
  })
}

/** counter tells how long the main thread of a page has worked, in milliseconds of its own: other processes do not count. */
async function counter(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  return async () => (await session.send('Performance.getMetrics')).metrics.find((one) => one.name === 'TaskDuration')!.value * 1000
}

/** frames scrolls through all rows and tells the times between frames, sorted. */
async function frames(page: Page, move: 'scroll' | 'zoom'): Promise<number[]> {
  return page.evaluate(async (move) => {
    const tree = document.querySelector<HTMLElement>('[role=tree]')!
    const times: number[] = []
    let last = 0
    await new Promise<void>((done) => {
      const step = (now: number) => {
        if (last > 0) times.push(now - last)
        last = now
        const n = times.length
        if (n === 120) return done()
        if (move === 'scroll') tree.scrollTop += 173
        else tree.dispatchEvent(new WheelEvent('wheel', { deltaY: n % 60 < 30 ? -40 : 40, ctrlKey: true, clientX: tree.getBoundingClientRect().right - 200, bubbles: true, cancelable: true }))
        requestAnimationFrame(step)
      }
      requestAnimationFrame(step)
    })
    return times.sort((a, b) => a - b)
  }, move)
}

const at = (sorted: readonly number[], share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!

for (const [i, size] of sizes.entries()) {
  test(`${size} segments and subsegments`, async () => {
    const rounds: (Awaited<ReturnType<typeof drawn>> & { work: number })[] = []
    let moves = ''
    for (let round = 0; round < 5; round++) {
      await browser.visit('/traces/none', async (page) => {
        await page.getByText('This is no id of a trace').waitFor()
        const work = await counter(page)
        const before = await work()
        await page.goto(`${tomo.url}/traces/${ids[i]!}`)
        const shown = await drawn(page)
        rounds.push({ ...shown, work: (await work()) - before })
        if (round > 0) return
        await page.waitForTimeout(1000)
        for (const move of ['scroll', 'zoom'] as const) {
          const times = await frames(page, move)
          moves += `; ${move}: frames of ${at(times, 0.5).toFixed(1)} ms, 95 % ≤ ${at(times, 0.95).toFixed(1)}, longest ${at(times, 1).toFixed(1)}`
        }
      })
    }
    const of = (pick: (one: (typeof rounds)[number]) => number) => rounds.map(pick).sort((a, b) => a - b)
    const shown = of((one) => one.drawn)
    console.log(`${size}: answer of ${(rounds[0]!.size / 1e6).toFixed(2)} MB in ${at(of((one) => one.answer), 0.5).toFixed(0)} ms, drawn ${at(shown, 0.5).toFixed(0)} ms behind it (${shown.map((n) => n.toFixed(0)).join(', ')}), ${at(of((one) => one.work), 0.5).toFixed(0)} ms of work for the page${moves}`)
  })
}
