import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { expectAccessible, server, serverWithPast, visitor, type Received } from './harness'
import { Shop, type Document } from './shop'

/** The roots of the traces that the server was given. */
const roots: Document[] = []

/** Two hours of the shop; in the last of them payments are in trouble. */
function* past(): Iterable<Received> {
  for (const minute of new Shop(11).past(Date.now() / 1000, 120, 10, (left) => (left <= 40 ? { payments: 0.5 } : {}))) {
    roots.push(...minute.documents.filter((document) => document['parent_id'] === undefined))
    yield minute
  }
}

/** figure reads the number of traces of a set. */
async function figure(page: Page, set: 'A' | 'B'): Promise<number> {
  const text = await page.getByRole('region', { name: `Set ${set}`, exact: true }).getByText(/^[\d,]+ of [\d,]+ traces?, /).textContent()
  return Number(/^[\d,]+/.exec(text!)![0].replaceAll(',', ''))
}

/** settled waits until the figures are those of what is asked. */
async function settled(page: Page): Promise<void> {
  await page.locator('main [aria-busy=false]').waitFor()
}

async function written(page: Page, set: 'A' | 'B'): Promise<string> {
  return (await page.getByRole('textbox', { name: `Filter expression of ${set}` }).textContent())!
}

const parameters = (page: Page) => Object.fromEntries(new URL(page.url()).searchParams)

describe('analytics', () => {
  const tomo = serverWithPast(past)
  const browser = visitor(tomo)

  test('begin with what is slow or failed, accessibly', () =>
    browser.visit(
      '/analytics?since=3h&by=user,rootcause.fault.service',
      async (page) => {
        await page.getByRole('heading', { name: 'What differs most' }).waitFor()
        expect(await written(page, 'A')).toMatch(/^fault OR throttle OR responsetime >= 0\.\d+$/)
        expect(await written(page, 'B')).toBe(`!(${await written(page, 'A')})`)
        expect((await figure(page, 'A')) + (await figure(page, 'B'))).toBe(roots.length)
        // What was broken is what differs.
        await page.getByRole('row', { name: /^Root cause of faults: service payments.* only A/ }).waitFor()
        await expectAccessible(page)
        await page.getByRole('button', { name: 'Time of B: Same time as A' }).click()
        await page.getByRole('dialog', { name: 'Time of B' }).getByRole('button', { name: 'The time before' }).waitFor()
        await expectAccessible(page)
        await page.keyboard.press('Escape')
        await page.getByRole('button', { name: /^Slow or failed, and the rest/ }).click()
        await page.getByRole('listbox').waitFor()
        await expectAccessible(page)
      },
    ),
  )

  test('count exactly, and say so in all figures', () =>
    browser.visit('/analytics?since=3h&a=fault&b=ok', async (page) => {
      await page.getByRole('heading', { name: 'What differs most' }).waitFor()
      const faults = roots.filter((root) => root['fault'] === true)
      const fine = roots.filter((root) => !root['error'] && !root['fault'])
      expect(await figure(page, 'A')).toBe(faults.length)
      expect(await figure(page, 'B')).toBe(fine.length)
      const users = page.getByRole('article', { name: 'User' })
      for (const user of ['ada', 'grace']) {
        const [a, b] = [faults, fine].map((list) => list.filter((root) => root['user'] === user).length)
        await users.getByRole('row', { name: new RegExp(`^${user} [\\d.<> ]+% ${a} [\\d.<> ]+% ${b} `) }).waitFor()
      }
      await page.getByRole('row', { name: 'Fault (5xx) 100 % 0 % +100 pp' }).waitFor()
      await page.getByRole('img', { name: new RegExp(`^Response time of both sets. A: ${faults.length} traces, p50 .*B: ${fine.length.toLocaleString('en-US')} traces`) }).waitFor()
      await page.getByRole('img', { name: new RegExp(`^Traces of A over time: ${faults.length} traces; .*Fault \\(5xx\\) ${faults.length}`) }).waitFor()
    }))

  test('narrow sets by a click, and widen them again', () =>
    browser.visit('/analytics?since=3h&a=fault&b=ok', async (page) => {
      await settled(page)
      const all = { a: await figure(page, 'A'), b: await figure(page, 'B') }
      const users = page.getByRole('article', { name: 'User' })
      await users.getByRole('button', { name: 'Narrow both to User ada' }).click()
      await page.waitForURL(/a=fault\+AND\+user/)
      await settled(page)
      expect(parameters(page)).toMatchObject({ a: 'fault AND user = "ada"', b: 'ok AND user = "ada"' })
      await expect.poll(() => figure(page, 'A')).toBe(roots.filter((root) => root['fault'] && root['user'] === 'ada').length)
      // A condition goes with its chip.
      await page.getByRole('button', { name: 'Remove user = "ada" from B' }).click()
      await expect.poll(() => figure(page, 'B')).toBe(all.b)
      // Leaving out instead.
      await page.keyboard.press('Escape')
      await page.getByRole('radio', { name: '− Without this' }).click()
      await page.getByRole('article', { name: 'URL' }).getByRole('button', { name: /^Leave URL .*\/checkout out of B$/ }).click()
      await expect.poll(() => parameters(page)['b']).toBe('ok AND !(http.url = "https://www.shop.example/checkout")')
      // Back goes back.
      await page.goBack()
      await page.goBack()
      await page.goBack()
      await expect.poll(() => figure(page, 'A')).toBe(all.a)
    }))

  test('narrow sets by a range of times', () =>
    browser.visit('/analytics?since=3h&a=fault&b=ok', async (page) => {
      const histogram = page.getByRole('img', { name: /^Response time of both sets/ })
      await histogram.waitFor()
      const box = (await histogram.boundingBox())!
      await page.mouse.move(box.x + 120, box.y + 80)
      await page.mouse.down()
      await page.mouse.move(box.x + 220, box.y + 80, { steps: 5 })
      await page.mouse.up()
      const block = page.getByRole('region', { name: 'Response time', exact: true })
      await block.getByRole('button', { name: /^Narrow B to [\d.]+ m?s to [\d.]+ m?s$/ }).click()
      await expect.poll(() => parameters(page)['b']).toMatch(/^ok AND responsetime >= [\d.]+ AND responsetime < [\d.]+$/)
      // By keys, in numbers.
      await page.getByRole('spinbutton', { name: 'from' }).fill('100')
      await page.getByRole('spinbutton', { name: 'to' }).fill('250')
      await page.keyboard.press('Enter')
      await expect.poll(() => parameters(page)['took']).toBe('0.1~0.25')
      await block.getByRole('button', { name: 'Narrow A to 100 ms to 250 ms' }).click()
      await expect.poll(() => parameters(page)['a']).toBe('fault AND responsetime >= 0.1 AND responsetime < 0.25')
      const [low, high] = [0.1, 0.25]
      const within = (root: Document) => Math.round(((root['end_time'] as number) - (root['start_time'] as number)) * 1e6) / 1e6
      await expect.poll(() => figure(page, 'A')).toBe(roots.filter((root) => root['fault'] && within(root) >= low && within(root) < high).length)
    }))

  test('select a time and durations in the plots, and are restored from their link', () =>
    browser.visit('/analytics?since=3h&a=fault&b=ok&click=without', async (page) => {
      const plot = page.getByRole('group', { name: /^Response time of A over time: \d+ traces?/ })
      await plot.scrollIntoViewIfNeeded()
      const box = (await plot.boundingBox())!
      await page.mouse.move(box.x + box.width * 0.5, box.y + 30)
      await page.mouse.down()
      await page.mouse.move(box.x + box.width - 14, box.y + 150, { steps: 6 })
      await page.mouse.up()
      await expect.poll(() => parameters(page)['took']).toMatch(/^[\d.]+~[\d.]+$/)
      const { at, took } = parameters(page)
      expect(at).toMatch(/^20..-.*Z~20..-.*Z$/)
      await page.reload()
      const choice = page.getByRole('group', { name: 'Selection' })
      await choice.first().waitFor()
      expect(parameters(page)).toMatchObject({ at, took, click: 'without' })
      await page.getByRole('radio', { name: '− Without this', checked: true }).waitFor()
      const [low, high] = took!.split('~').map((seconds) => String(Number((Number(seconds) * 1000).toFixed(3))))
      expect(await page.getByRole('spinbutton', { name: 'from' }).inputValue()).toBe(low)
      expect(await page.getByRole('spinbutton', { name: 'to' }).inputValue()).toBe(high)
      // The time narrows the page, the durations a set.
      await choice.last().getByRole('button', { name: /^Leave .* out of A$/ }).click()
      await expect.poll(() => parameters(page)['a']).toMatch(/^fault AND !\(responsetime >= [\d.]+ AND responsetime < [\d.]+\)$/)
      await choice.last().getByRole('button', { name: 'Zoom into this time' }).click()
      const [start, end] = at!.split('~')
      await expect.poll(() => parameters(page)['from']).toBe(start)
      expect(parameters(page)['to']).toBe(end)
      await choice.first().getByRole('button', { name: 'Select nothing' }).click()
      await expect.poll(() => Object.keys(parameters(page)).filter((name) => name === 'at' || name === 'took')).toEqual([])
    }))

  test('compare a time with the one before', () =>
    browser.visit('/analytics?since=1h', async (page) => {
      await page.getByRole('button', { name: /^Slow or failed, and the rest/ }).click()
      await page.getByRole('option', { name: /^This time, and the time before/ }).click()
      await page.waitForURL(/sets=before/)
      await page.getByRole('row', { name: /^Service with faults payments/ }).waitFor()
      await settled(page)
      const bars = await page.getByRole('img', { name: /^Traces of [AB] over time/ }).count()
      expect(bars).toBe(2)
      const [a, b] = [await figure(page, 'A'), await figure(page, 'B')]
      await page.getByRole('link', { name: 'View traces of B' }).click()
      await page.getByRole('heading', { name: 'Traces', exact: true }).waitFor()
      const { from, to, since } = parameters(page)
      expect(since).toBeUndefined()
      expect(Date.parse(to!) - Date.parse(from!)).toBe(3_600_000)
      expect(Date.parse(to!)).toBeLessThan(Date.now() - 3_500_000)
      const between = (start: number, end: number) => roots.filter((root) => (root['start_time'] as number) >= start && (root['start_time'] as number) < end).length
      const middle = Date.parse(to!) / 1000
      expect([a, b]).toEqual([between(middle, middle + 3600), between(middle - 3600, middle)])
    }))

  test('take the sets apart by what is chosen, and keep it in the URL', () =>
    browser.visit('/analytics?since=3h', async (page) => {
      await settled(page)
      await page.getByRole('button', { name: 'Add Add an attribute' }).click()
      await page.getByRole('option', { name: 'Annotation version' }).click()
      const version = page.getByRole('article', { name: 'Annotation version' })
      await version.getByRole('row', { name: /^2\.0\.4 / }).waitFor()
      await page.getByRole('article', { name: 'User' }).getByRole('button', { name: 'Remove User' }).click()
      await page.getByRole('button', { name: /^Outcome \d/ }).click()
      await page.getByRole('radio', { name: 'Duration' }).click()
      await page.getByRole('heading', { name: 'Duration', exact: true }).waitFor()
      const want = { since: '3h', by: 'annotation[version],http.url,http.status,rootcause.fault.service', hide: 'none', measure: 'duration' }
      expect(parameters(page)).toEqual(want)
      await page.reload()
      await version.waitFor()
      expect(await page.getByRole('article', { name: 'User' }).count()).toBe(0)
      await page.getByRole('button', { name: /^Outcome \d/, pressed: true }).waitFor()
      await page.getByRole('img', { name: /^Duration of both sets/ }).waitFor()
      expect(parameters(page)).toEqual(want)
    }))

  test('are reached with the keyboard', () =>
    browser.visit('/analytics?since=3h&a=fault&b=ok', async (page) => {
      await settled(page)
      await page.keyboard.press('x')
      await expect.poll(() => parameters(page)).toMatchObject({ a: 'ok', b: 'fault' })
      await page.getByText('ok', { exact: true }).first().waitFor()
      await page.keyboard.press('/')
      await page.keyboard.press('End')
      await page.keyboard.type(' AND user = "ada"')
      await page.keyboard.press('Escape') // of the completion
      await page.getByRole('button', { name: 'Apply' }).press('Enter')
      await expect.poll(() => parameters(page)['a']).toBe('ok AND user = "ada"')
      await page.keyboard.press('o')
      await page.getByRole('button', { name: /^Leave / }).first().waitFor()
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).getByText('Exchange A and B').waitFor()
    }))

  test('stay on the screen when they are refreshed', () =>
    browser.visit('/analytics?since=3h', async (page) => {
      await settled(page)
      const figures = page.getByRole('region', { name: 'Figures' })
      await figures.evaluate((element) => element.setAttribute('data-mark', 'same'))
      const asked = page.waitForResponse((answer) => answer.url().endsWith('/console/api/analysis') && (answer.request().postData() ?? '').includes('Compare'))
      await page.keyboard.press('r')
      await asked
      await settled(page)
      expect(await figures.getAttribute('data-mark')).toBe('same')
    }))

  test('lead to a trace', () =>
    browser.visit('/analytics?since=3h&a=fault&b=ok', async (page) => {
      const slowest = page.getByText('The slowest:').first().getByRole('link').first()
      expect(await slowest.getAttribute('href')).toMatch(/^\/traces\/1-[0-9a-f]{8}-[0-9a-f]{24}(\?|$)/)
      const id = (await slowest.getAttribute('title'))!
      await slowest.click()
      expect(new URL(page.url()).pathname).toBe(`/traces/${id}`)
      // So do the dots, by keys.
      await page.goBack()
      await page.getByRole('group', { name: /^Response time of B over time: / }).press('End')
      await page.keyboard.press('Enter')
      await page.waitForURL(/\/traces\/1-[0-9a-f]{8}-[0-9a-f]{24}$/)
    }))

  test('say what is wrong with a set, and what has no traces', () =>
    browser.visit(
      '/analytics?since=3h&a=falt&b=ok&by=none',
      async (page) => {
        await page.getByRole('alert').getByText(/the nearest is fault/).waitFor()
        await expectAccessible(page)
        await page.goto(`${tomo.url}/analytics?since=3h&a=user+%3D+"nobody"&b=ok&by=none`)
        await page.getByText('No trace matches A in this time: there is nothing to compare with.').waitFor()
        await expectAccessible(page)
        await page.goto(`${tomo.url}/analytics?since=3h&a=fault&b=`)
        await page.getByText(/traces are in both sets, 100 % of A/).waitFor()
      },
      { complaint: /400 \(Bad Request\)/ },
    ))

  test('are led to from the map', () =>
    browser.visit('/?since=3h&node=payments%7CAWS%3A%3AElasticBeanstalk%3A%3AEnvironment', async (page) => {
      const panel = page.getByRole('complementary', { name: 'payments' })
      await panel.getByRole('checkbox', { name: 'Fault (5xx)' }).check()
      await panel.getByRole('link', { name: 'Compare them with its others' }).click()
      await settled(page)
      const node = 'service(id(name: "payments", type: "AWS::ElasticBeanstalk::Environment"))'
      expect(parameters(page)).toEqual({ since: '3h', sets: 'own', a: `${node} { fault }`, b: `${node} AND !(${node} { fault })` })
      expect(await figure(page, 'A')).toBeGreaterThan(50)
      expect(await figure(page, 'B')).toBeGreaterThan(50)
    }))

  test('can be stopped', () =>
    browser.visit('/traces', async (page) => {
      let held = true
      const waiting: (() => void)[] = []
      // A long way to the server: until it is let go, its answer does not come.
      await page.route('**/console/api/analysis', async (route) => {
        if (held) await new Promise<void>((go) => waiting.push(go))
        await route.continue().catch(() => undefined) // the page may have given up
      })
      await page.getByRole('link', { name: 'Analytics' }).click()
      await page.getByRole('progressbar', { name: 'Progress of the analysis' }).waitFor()
      await page.getByRole('button', { name: 'Stop' }).click()
      await page.getByRole('heading', { name: 'Stopped' }).waitFor()
      await expectAccessible(page)
      held = false
      for (const go of waiting) go()
      await page.getByRole('button', { name: 'Go on' }).click()
      await page.getByRole('heading', { name: 'What differs most' }).waitFor()
    }))
})

describe('analytics of an empty server', () => {
  const tomo = server()
  const browser = visitor(tomo)

  test('say what they are for', () =>
    browser.visit(
      '/analytics',
      async (page) => {
        await page.getByRole('heading', { name: 'No traces in this time' }).waitFor()
        await page.getByText(/this hour and the one before/).waitFor()
        await expectAccessible(page)
        await page.getByRole('button', { name: 'Last day' }).click()
        await page.waitForURL(/since=1d/)
      },
    ),
  )
})
