import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { expectAccessible, server, visitor } from './harness'
import { send, Shop } from './shop'

const keys = mkdtempSync(join(tmpdir(), 'tomo-console-keys-'))
const ring = join(keys, 'keys.json')
execFileSync(inject('tomo'), ['keys', 'add', '--file', ring, '--alias', 'traces'])
afterAll(() => rmSync(keys, { recursive: true }))

const sections = ['keep-rules', 'indexing', 'encryption', 'policies', 'limits']

describe('settings', () => {
  const tomo = server(async (url) => send(url, new Shop(5).traces(200, Date.now() / 1000 - 30, 600)), '--encryption-keys', ring, '--limit', 'policies=2')
  const browser = visitor(tomo)

  test('are accessible, every section of them', () =>
    browser.visit(
      '/settings',
      async (page) => {
        const list = page.getByRole('navigation', { name: 'Settings' })
        await list.getByRole('link', { name: 'Keep rules' }).waitFor()
        for (const section of sections) {
          await page.goto(`${tomo.url}/settings?section=${section}`)
          await list.locator('[aria-current]').waitFor()
          await page.getByRole('heading', { level: 2 }).first().waitFor()
          await expectAccessible(page)
        }
      },
    ),
  )

  test('keep rules are changed, tried and then saved', () =>
    browser.visit(
      '/settings?section=keep-rules',
      async (page) => {
        await page.getByRole('heading', { name: 'Every trace is kept' }).waitFor()
        await page.getByText('All of 200 traces would be kept.').waitFor()
        await page.getByRole('button', { name: 'Add a rule' }).click()
        const dialog = page.getByRole('dialog', { name: 'Add a keep rule' })
        await dialog.getByRole('textbox', { name: 'Name' }).fill('a b')
        await dialog.getByText('Letters, digits, - _ and . only.').waitFor()
        await dialog.getByRole('textbox', { name: 'Name' }).fill('slow')
        const filter = dialog.getByRole('textbox', { name: 'Filter expression' })
        await filter.click()
        await page.keyboard.type('falt')
        await dialog.getByText(/not a keyword; the nearest is fault/).first().waitFor()
        await page.keyboard.press('Control+A')
        await page.keyboard.type('durat')
        await page.getByRole('option', { name: /duration/ }).first().waitFor()
        await page.keyboard.press('Escape') // closes the suggestions, and not the dialog with them
        await page.getByRole('option').first().waitFor({ state: 'detached' })
        await page.keyboard.type('ion > 0')
        await dialog.getByRole('textbox', { name: 'Share that is kept' }).fill('0')
        await expectAccessible(page)
        await dialog.getByRole('button', { name: 'Add', exact: true }).click()
        await dialog.waitFor({ state: 'detached' })
        await page.getByText('Of 200 traces, 0 would be kept (0 %) and 200 dropped (100 %).').waitFor()
        await page.getByRole('button', { name: 'Edit slow' }).click()
        await page.getByRole('textbox', { name: 'Share that is kept' }).fill('100')
        await page.getByRole('button', { name: 'Change', exact: true }).click()
        await page.getByText('All of 200 traces would be kept.').waitFor()
        await page.getByRole('button', { name: 'Add a rule' }).click()
        await page.getByRole('textbox', { name: 'Name' }).fill('rest')
        await page.getByRole('button', { name: 'Add', exact: true }).click()
        await page.getByRole('button', { name: 'Move rest up' }).click()
        const rows = page.getByRole('region', { name: 'Keep rules in order' }).getByRole('rowheader')
        expect(await rows.allTextContents()).toEqual(['rest', 'slow'])
        await page.getByRole('group', { name: 'Changes' }).getByRole('button', { name: 'Save' }).click()
        await page.getByText('The keep rules are saved.').waitFor()
        await page.reload()
        await rows.first().waitFor()
        expect(await rows.allTextContents()).toEqual(['rest', 'slow'])
        await page.getByRole('region', { name: 'Shares of the rules' }).waitFor()
        await expectAccessible(page)

        // Who changes what somebody else has changed meanwhile hears of it.
        await page.getByRole('button', { name: 'Delete rest' }).click()
        const answer = await fetch(`${tomo.url}/console/api/keep-rules`, { method: 'PUT', headers: { 'Content-Type': 'application/json' }, body: '{"Revision":1,"Rules":[]}' })
        expect(answer.status).toBe(200)
        await page.getByRole('group', { name: 'Changes' }).getByRole('button', { name: 'Save' }).click()
        await page.getByText(/Somebody else has changed the rules meanwhile. Discard/).waitFor()
        await page.getByRole('button', { name: 'Discard' }).click()
      },
      { complaint: /409/ },
    ))

  test('data is encrypted with a key of the ring, and not any more', () =>
    browser.visit('/settings?section=encryption', async (page) => {
      await page.getByText('not encrypted', { exact: true }).waitFor()
      await page.getByRole('radio', { name: /^traces/ }).check()
      await page.getByRole('button', { name: 'Encrypt with this key' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Encrypt', exact: true }).click()
      await page.getByText(/^arn:aws:kms:us-east-1:123456789012:key\//).waitFor()
      await page.getByText('encrypted', { exact: true }).waitFor({ timeout: 120_000 }) // when all is written anew
      await page.getByRole('radio', { name: /^No key/ }).check()
      await page.getByRole('button', { name: 'Stop encrypting' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Stop encrypting' }).click()
      await page.getByText('not encrypted', { exact: true }).waitFor({ timeout: 120_000 })
    }))

  test('the destination and the indexing rule are chosen', () =>
    browser.visit('/settings?section=indexing', async (page) => {
      await page.getByText('With the destination XRay every trace is indexed.').waitFor()
      await page.getByRole('radio', { name: /^CloudWatchLogs/ }).check()
      await page.getByText('With the destination XRay every trace is indexed.').waitFor({ state: 'detached' })
      const share = page.getByRole('textbox', { name: 'Share of traces' })
      await share.fill('101')
      await page.getByText('A percentage from 0 to 100.').waitFor()
      await share.fill('12.5')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('Searches will find 12.5 % of the traces that start from now on.').waitFor()
      await page.reload()
      await page.getByRole('radio', { name: /^CloudWatchLogs/, checked: true }).waitFor()
      expect(await share.inputValue()).toBe('12.5')
      await page.getByRole('radio', { name: /^XRay/ }).check()
      await page.getByText('With the destination XRay every trace is indexed.').waitFor()
    }))

  test('policies are kept, and what is none is refused at its field', () =>
    browser.visit(
      '/settings?section=policies',
      async (page) => {
        await page.getByRole('heading', { name: 'There are no policies' }).waitFor()
        await page.getByRole('button', { name: 'Add a policy' }).click()
        const dialog = page.getByRole('dialog')
        await dialog.getByRole('textbox', { name: 'Name' }).fill('shop')
        const text = dialog.getByRole('textbox', { name: 'Document' })
        const good = await text.inputValue()
        await text.fill('{')
        await dialog.getByText(/^It is no JSON/).waitFor()
        await text.fill('{"Statement":[]}')
        await dialog.getByRole('button', { name: 'Save' }).click()
        await dialog.getByText(/The policy document is malformed/).waitFor()
        await text.fill(good)
        await dialog.getByRole('button', { name: 'Save' }).click()
        const policy = page.getByRole('article', { name: 'shop' })
        await policy.getByText('revision 1').waitFor()
        await policy.getByRole('button', { name: 'Edit' }).click()
        await text.fill(good.replace('Allow', 'Deny').replace('xray:PutTraceSegments', 'xray:GetTraceSummaries'))
        await dialog.getByRole('button', { name: 'Save' }).click()
        await policy.getByText('revision 2').waitFor()
        await policy.getByRole('button', { name: 'Delete shop' }).click()
        await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
        await page.getByRole('heading', { name: 'There are no policies' }).waitFor()
      },
      { complaint: /400/ },
    ))

  test('limits are told with what sets them', () =>
    browser.visit('/settings?section=limits', async (page) => {
      const policies = page.getByRole('row', { name: /^Resource policies/ })
      await policies.getByRole('cell', { name: '2', exact: true }).waitFor()
      await policies.getByText('--limit policies=').waitFor()
      await page.getByRole('row', { name: /^Documents of PutTraceSegments/ }).getByText('no bound').waitFor()
      await page.getByRole('row', { name: /^How long traces are kept/ }).getByText('30 days').waitFor()
      await page.goto(`${tomo.url}/settings?section=nothing`)
      await page.getByRole('heading', { name: 'There is no such section' }).waitFor()
    }))
})
