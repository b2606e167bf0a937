import { describe, expect, test } from 'vitest'
import { expectAccessible, server, visitor } from './harness'

const anything = { ServiceName: '*', ServiceType: '*', Host: '*', HTTPMethod: '*', URLPath: '*', ResourceARN: '*', Version: 1 }

async function ask(url: string, body: object): Promise<void> {
  const answer = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  expect(answer.status).toBe(200)
}

describe('sampling rules', () => {
  const tomo = server(async (url) => {
    await ask(`${url}/CreateSamplingRule`, { SamplingRule: { ...anything, RuleName: 'checkout', Priority: 100, FixedRate: 1, ReservoirSize: 50, Host: '*.shop.example', HTTPMethod: 'POST', URLPath: '/cart/*' } })
    await ask(`${url}/CreateSamplingRule`, { SamplingRule: { ...anything, RuleName: 'gold', Priority: 200, FixedRate: 0.5, ReservoirSize: 5, Attributes: { tenant: 'gold*' }, SamplingRateBoost: { MaxRate: 0.8, CooldownWindowMinutes: 5 } } })
    await ask(`${url}/SamplingTargets`, { SamplingStatisticsDocuments: [{ RuleName: 'checkout', ClientID: '0123456789abcdef01234567', Timestamp: Date.now() / 1000, RequestCount: 400, SampledCount: 100, BorrowCount: 20 }] })
  })
  const browser = visitor(tomo)

  test('are accessible, with a request that is tried and in a dialog', () =>
    browser.visit(
      '/sampling',
      async (page) => {
        await page.getByRole('listitem', { name: 'Default' }).waitFor()
        await expectAccessible(page)
        await page.goto(`${tomo.url}/sampling?host=www.shop.example&method=POST&path=/cart/7&attributes=tenant%3Dsilver`)
        await page.getByText('decides the request').waitFor()
        await expectAccessible(page)
        await page.goto(`${tomo.url}/sampling?edit=gold`)
        await page.getByRole('textbox', { name: 'Attribute 1, key' }).waitFor()
        await expectAccessible(page)
      },
    ),
  )

  test('stand in the order in which they are tried, with what clients report', () =>
    browser.visit('/sampling', async (page) => {
      await page.getByRole('listitem', { name: 'Default' }).waitFor()
      expect(await page.getByRole('listitem').getByRole('heading').allTextContents()).toEqual(['checkout', 'gold', 'Default'])
      await page.getByText('2 of 25 rules and Default').waitFor()
      const checkout = page.getByRole('listitem', { name: 'checkout' })
      await checkout.getByText('*.shop.example').waitFor()
      // The window of ten seconds that was reported in has to be over.
      await checkout.getByText('400 requests, 100 sampled, 20 borrowed: 25 % to 30 %').waitFor({ timeout: 120_000 })
      await checkout.getByRole('img', { name: 'checkout, the last ten minutes: 400 requests, 100 sampled, 20 borrowed' }).waitFor()
      await page.getByText(/clients decided 400 requests and sampled 100 of them/).waitFor()
      expect(await page.getByRole('button', { name: 'Delete Default' }).count()).toBe(0)
    }))

  test('say which of them decides a request, and why the others do not, as one types', () =>
    browser.visit('/sampling', async (page) => {
      const tester = page.getByRole('complementary', { name: 'Try a request' })
      const checkout = page.getByRole('listitem', { name: 'checkout' })
      await tester.getByText(/Type what a client knows of a request/).waitFor()
      await page.keyboard.press('/')
      await page.keyboard.type('x.example')
      await checkout.getByText('Host x.example is not *.shop.example').waitFor()
      await tester.getByText('Default decides.').waitFor()
      // A whole URL is taken apart.
      await tester.getByRole('textbox', { name: 'Host' }).fill('https://www.shop.example:8443/cart/7?x=1')
      expect(await tester.getByRole('textbox', { name: 'URL path' }).inputValue()).toBe('/cart/7')
      await tester.getByRole('combobox', { name: 'Method' }).fill('GET')
      await checkout.getByText('Method GET is not POST').waitFor()
      await tester.getByRole('combobox', { name: 'Method' }).fill('POST')
      await checkout.getByText('decides the request').waitFor()
      await page.getByRole('listitem', { name: 'Default' }).getByText('It would match, but a rule before it decides.').waitFor()
      await page.getByRole('listitem', { name: 'gold' }).getByText('these clients ignore rules with attributes').waitFor()

      // Clients differ, and the server says how.
      await tester.getByRole('textbox', { name: 'Host' }).fill('other.example')
      await tester.getByRole('button', { name: 'Resource and attributes' }).click()
      await tester.getByRole('button', { name: 'Add attribute' }).click()
      await tester.getByRole('textbox', { name: 'Attribute 1, key' }).fill('tenant')
      await tester.getByRole('textbox', { name: 'Attribute 1, value' }).fill('gold-7')
      await tester.getByText('Other clients read rules differently:').waitFor()
      await tester.getByText('Default decides.').waitFor()
      await tester.getByRole('button', { name: /Client/ }).click()
      await page.getByRole('option', { name: 'OpenTelemetry for Go' }).click()
      await tester.getByText('gold decides.').waitFor()
      const { searchParams } = new URL(page.url())
      expect(Object.fromEntries(searchParams)).toEqual({ host: 'other.example', path: '/cart/7', method: 'POST', attributes: 'tenant=gold-7', client: 'OpenTelemetry for Go' })
      await page.reload()
      await tester.getByText('gold decides.').waitFor()
      await tester.getByRole('button', { name: 'Clear' }).click()
      await tester.getByText(/Type what a client knows of a request/).waitFor()
    }))

  test('are created, changed and deleted, and what is wrong is told at the field', () =>
    browser.visit('/sampling?path=/health&method=GET', async (page) => {
      await page.getByRole('listitem', { name: 'Default' }).waitFor()
      await page.getByRole('button', { name: 'Create a rule' }).click()
      const dialog = page.getByRole('dialog', { name: 'Create a rule' })
      // It begins with the request that is tried.
      expect(await dialog.getByRole('textbox', { name: 'URL path' }).inputValue()).toBe('/health')
      await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('gold')
      await dialog.getByText('There is a rule of that name.').waitFor()
      await dialog.getByRole('textbox', { name: 'Name', exact: true }).fill('health')
      await dialog.getByRole('textbox', { name: 'Priority' }).fill('0')
      await dialog.getByText('A whole number from 1 to 9,999.').waitFor()
      await dialog.getByRole('textbox', { name: 'Priority' }).fill('10')
      await dialog.getByRole('textbox', { name: 'Rate', exact: true }).fill('0')
      await dialog.getByRole('textbox', { name: 'Reservoir' }).fill('0')
      await dialog.getByRole('textbox', { name: 'URL path' }).fill('/health*')
      await dialog.getByText(/letter case matters/).waitFor()
      await dialog.getByRole('button', { name: 'Create the rule' }).click()
      await dialog.waitFor({ state: 'detached' })
      const health = page.getByRole('listitem', { name: 'health' })
      await health.getByText('decides the request').waitFor()
      await health.getByRole('button', { name: 'Edit health' }).click()
      const edit = page.getByRole('dialog', { name: 'Edit the rule health' })
      await edit.getByRole('textbox', { name: 'Rate', exact: true }).fill('2,5')
      await edit.getByRole('switch', { name: /Boost/ }).check()
      await edit.getByRole('textbox', { name: 'Rate at most' }).fill('50')
      await edit.getByRole('button', { name: 'Save' }).click()
      await edit.waitFor({ state: 'detached' })
      await health.getByText('2.5 %').waitFor()
      await health.getByText('up to 50 %').waitFor()
      await health.getByRole('button', { name: 'Delete health' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Delete the rule' }).click()
      await health.waitFor({ state: 'detached' })
      await page.getByRole('listitem', { name: 'Default' }).getByRole('button', { name: 'Edit Default' }).click()
      const byDefault = page.getByRole('dialog', { name: 'Edit the rule Default' })
      expect(await byDefault.getByRole('textbox', { name: 'Priority' }).count()).toBe(0)
      await byDefault.getByRole('textbox', { name: 'Rate', exact: true }).fill('1')
      await byDefault.getByRole('button', { name: 'Save' }).click()
      await page.getByRole('listitem', { name: 'Default' }).getByText('1 %', { exact: true }).waitFor()
    }))
})
