import { describe, expect, test } from 'vitest'
import { expectAccessible, server, themes, visitor } from './harness'
import { send, Shop } from './shop'

describe('the list of traces', () => {
  const tomo = server(async (url) => send(url, new Shop(11).traces(300, Date.now() / 1000, 600)))
  const browser = visitor(tomo)
  const field = (page: Parameters<Parameters<typeof browser.visit>[1]>[0]) => page.getByRole('textbox', { name: 'Filter expression' })

  test.each(themes)('is accessible, also while an expression is typed (%s)', (theme) =>
    browser.visit(
      '/traces?filter=fault',
      async (page) => {
        await page.getByRole('table').waitFor()
        await expectAccessible(page)
        await field(page).click()
        await page.keyboard.press('End')
        await page.keyboard.type(' AND service("pay')
        await page.getByRole('option', { name: 'payments' }).waitFor()
        await expectAccessible(page)
      },
      { theme },
    ),
  )

  test('completes and runs an expression by keyboard', () =>
    browser.visit('/traces', async (page) => {
      await page.getByRole('table').waitFor()
      await page.keyboard.press('/')
      await page.keyboard.type('service("check')
      await page.getByRole('option', { name: 'checkout' }).waitFor()
      await page.keyboard.press('Tab')
      await page.keyboard.press('End')
      await page.keyboard.type(' { fault }')
      await page.keyboard.press('Escape')
      await page.keyboard.press('Enter')
      await page.waitForURL(/filter=/)
      expect(new URL(page.url()).searchParams.get('filter')).toBe('service("checkout") { fault }')
      await page.getByText(/of 300 looked at/).waitFor()
    }))

  test('underlines what is wrong, where it is', () =>
    browser.visit('/traces', async (page) => {
      await field(page).click()
      await page.keyboard.type('fault AND responsetime > ')
      await page.keyboard.insertText('"slow"')
      const wrong = page.locator('.cm-lintRange-error')
      await expect.poll(() => wrong.allTextContents(), { timeout: 10_000 }).toEqual(['"slow"'])
    }))

  test('says why a search failed, in the words of the server', () =>
    browser.visit('/traces?filter=responsetime+%3E+%22slow%22', (page) => page.getByRole('alert').getByText(/position 16 : Invalid input symbol/).waitFor(), { complaint: /status of 400/ }))
})
