import { createServer, type Server as HTTPServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectAccessible, server, serverWithCredentials, visitor, type Key } from './harness'

const refused = { complaint: /status of (401|403|429)/ }

/** enter types a key into the form. */
async function enter(page: Page, key: Key): Promise<void> {
  await page.getByLabel('Access key').fill(key.AccessKeyId)
  await page.getByLabel('Secret', { exact: true }).fill(key.SecretAccessKey)
  await page.keyboard.press('Enter')
}

const sample = (name: string) => ({ trace_id: `1-${Math.floor(Date.now() / 1000 - 5).toString(16)}-${'0'.repeat(8)}${Buffer.from(name).toString('hex').padEnd(16, '0').slice(0, 16)}`, id: '0123456789abcdef', name, start_time: Date.now() / 1000 - 5, end_time: Date.now() / 1000 - 4 })

/** ask asks the server as a page of the console does. */
function ask(page: Page, path: string, body?: object): Promise<{ status: number; text: string }> {
  return page.evaluate(
    async ([path, body]) => {
      const answer = await fetch(path!, body ? { method: 'POST', body, headers: { 'Content-Type': 'application/json' } } : { headers: { 'X-Tomo-Console': '1' } })
      return { status: answer.status, text: await answer.text() }
    },
    [path, body ? JSON.stringify(body) : ''] as const,
  )
}

describe('a server with credentials', () => {
  const tomo = serverWithCredentials({
    ada: ['--actions', 'admin'],
    grace: ['--actions', 'read', '--tenant', 'team-b'],
    linus: ['--actions', 'read,write', '--tenant', 'team-b'],
    joan: ['--actions', 'read', '--tenant', 'team-c'],
    brief: ['--actions', 'read', '--expires', '1h'],
    ci: ['--actions', 'xray:PutTraceSegments'],
  })
  const browser = visitor(tomo)
  const form = (page: Page) => page.getByRole('heading', { name: 'Sign in to Tomo' })

  test('asks who is there, accessibly, and leads back', () =>
    browser.visit(
      '/traces?since=15m&filter=fault',
      async (page) => {
        await form(page).waitFor()
        expect(new URL(page.url()).searchParams.get('next')).toMatch(/^\/traces\?.*filter=fault/)
        expect(await page.getByRole('navigation').count()).toBe(0)
        await expectAccessible(page)
        await enter(page, { ...tomo.keys.ada, SecretAccessKey: 'not it' })
        await page.getByRole('alert').getByText('Nobody has this access key with this secret.').waitFor()
        await expectAccessible(page)
        await enter(page, tomo.keys.ada)
        await page.getByRole('heading', { level: 1, name: 'Traces' }).waitFor()
        expect(Object.fromEntries(new URL(page.url()).searchParams)).toEqual({ since: '15m', filter: 'fault' })
        await page.getByRole('main').getByRole('heading', { name: /no trace|nothing/i }).first().waitFor()

        await page.getByRole('button', { name: 'Signed in as ada, tenant default' }).click()
        const who = page.getByRole('dialog', { name: 'Who is signed in' })
        await who.getByText(tomo.keys.ada.AccessKeyId).waitFor()
        await expectAccessible(page)
        const [cookie] = await page.context().cookies()
        expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/', domain: '127.0.0.1' })
        expect(await page.evaluate(() => document.cookie)).toBe('')

        await who.getByRole('button', { name: 'Sign out' }).click()
        await form(page).waitFor()
        expect(await page.context().cookies()).toEqual([])
        expect((await page.request.post(`${tomo.url}/Groups`, { headers: { Cookie: `${cookie!.name}=${cookie!.value}`, Origin: tomo.url, 'Content-Type': 'application/json' }, data: '{}' })).status()).toBe(403)
        await page.reload()
        await form(page).waitFor()
      },
      refused,
    ),
  )

  test('shows each tenant its own, and what a credential may not do it says', async () => {
    await browser.visit(
      '/',
      async (page) => {
        await form(page).waitFor()
        await enter(page, tomo.keys.linus)
        await page.getByRole('button', { name: 'Signed in as linus, tenant team-b' }).waitFor()
        expect(await ask(page, '/TraceSegments', { TraceSegmentDocuments: [JSON.stringify(sample('theirs'))] })).toEqual({ status: 200, text: '{"UnprocessedTraceSegments":[]}' })
        expect((await ask(page, '/console/api/credentials')).status).toBe(403)
      },
      refused,
    )
    await browser.visit(
      '/sign-in',
      async (page) => {
        await enter(page, tomo.keys.grace)
        await page.getByRole('button', { name: /^theirs, \d/ }).waitFor()
        expect((await ask(page, '/TraceSegments', { TraceSegmentDocuments: [] })).status).toBe(403)
      },
      refused,
    )
    await browser.visit(
      '/sign-in',
      async (page) => {
        await enter(page, tomo.keys.ada)
        await page.getByRole('heading', { name: 'Send your first trace' }).waitFor()
      },
      refused,
    )
    await browser.visit(
      '/sign-in?next=/traces',
      async (page) => {
        await enter(page, tomo.keys.ci)
        await page.getByRole('alert').getByText(/user\/ci is not authorized to perform: /).first().waitFor()
        await page.getByRole('link', { name: 'Sign in as somebody else' }).first().click()
        await page.getByText('Who signs in here takes your place.').waitFor()
        await enter(page, tomo.keys.grace)
        await page.getByRole('button', { name: 'Signed in as grace, tenant team-b' }).waitFor()
        expect(new URL(page.url()).pathname).toBe('/traces')
      },
      refused,
    )
  })

  // What each page offers to change, and how it says why somebody may not.
  const offered: readonly { path: string; says: RegExp; controls: readonly (string | RegExp)[]; ready: string | RegExp }[] = [
    { path: '/groups', says: /^You may not create, change or delete groups: that takes the actions xray:CreateGroup, xray:UpdateGroup and xray:DeleteGroup/, controls: ['Create a group', 'Edit Default'], ready: 'Edit Default' },
    { path: '/groups?create=fault', says: /^You may not create groups: /, controls: ['Create the group'], ready: 'Create the group' },
    { path: '/sampling', says: /^You may not create, change or delete sampling rules: /, controls: ['Create a rule', 'Edit Default'], ready: 'Edit Default' },
    { path: '/settings?section=indexing', says: /^You may not choose the destination or change the share of traces that are indexed: /, controls: ['Save', /^CloudWatchLogs/], ready: 'Save' },
    { path: '/settings?section=policies', says: /^You may not add or change or delete policies: /, controls: ['Add a policy'], ready: 'Add a policy' },
    { path: '/insights', says: /^You may not enable insights: that takes the action xray:UpdateGroup, which the role admin has/, controls: [/^Enable insights/], ready: /^Enable insights/ },
    { path: '/', says: /^You may not send traces from here: /, controls: ['Send a sample trace'], ready: 'Send a sample trace' },
  ]

  test('offers who may only read nothing that would be refused, and says why', () =>
    browser.visit(
      '/sign-in?next=/groups',
      async (page) => {
        const refusals: string[] = []
        page.on('response', (answer) => {
          if (answer.status() === 403) refusals.push(answer.url())
        })
        await form(page).waitFor()
        await enter(page, tomo.keys.joan)
        await page.getByRole('button', { name: 'Signed in as joan, tenant team-c' }).waitFor()
        const control = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' }).or(page.getByRole('radio', { name }))
        for (const { path, says, controls, ready } of offered) {
          await page.goto(tomo.url + path)
          await control(ready).first().waitFor()
          await page.getByText(says).first().waitFor()
          for (const name of controls) expect(await control(name).first().isDisabled(), `${path}: ${String(name)}`).toBe(true)
          await expectAccessible(page)
        }
        // By key neither.
        await page.goto(`${tomo.url}/groups`)
        await control('Edit Default').waitFor()
        await page.keyboard.press('c')
        await page.keyboard.press('?')
        await page.getByRole('dialog', { name: 'Keys' }).waitFor()
        expect(await page.getByRole('dialog').count()).toBe(1)
        expect(new URL(page.url()).searchParams.has('create')).toBe(false)
        await page.keyboard.press('Escape')
        // Keep rules can be tried, and not saved.
        await page.goto(`${tomo.url}/settings?section=keep-rules`)
        await page.getByText(/^You may not save keep rules: that takes the action tomo:PutConsole/).waitFor()
        await page.getByRole('button', { name: 'Begin with these two' }).click()
        expect(await page.getByRole('group', { name: 'Changes' }).getByRole('button', { name: 'Save' }).isDisabled()).toBe(true)
        expect(refusals).toEqual([])
      },
      refused,
    ))

  test('offers who may do it all of that', () =>
    browser.visit(
      '/sign-in?next=/groups',
      async (page) => {
        await form(page).waitFor()
        await enter(page, tomo.keys.ada)
        await page.getByRole('button', { name: 'Signed in as ada, tenant default' }).waitFor()
        const control = (name: string | RegExp) => page.getByRole('button', { name, exact: typeof name === 'string' }).or(page.getByRole('radio', { name }))
        for (const { path, controls, ready } of offered.filter((one) => !/create|indexing/.test(one.path))) {
          await page.goto(tomo.url + path)
          await control(ready).first().waitFor()
          for (const name of controls) expect(await control(name).first().isEnabled(), `${path}: ${String(name)}`).toBe(true)
          expect(await page.getByText(/^You may not/).count()).toBe(0)
        }
      },
      refused,
    ))

  test('takes temporary credentials with their token', () =>
    browser.visit(
      '/sign-in',
      async (page) => {
        await enter(page, tomo.keys.brief)
        await page.getByRole('alert').waitFor()
        await page.getByRole('button', { name: 'It is temporary' }).click()
        await page.getByLabel('Session token').fill(tomo.keys.brief.SessionToken!)
        await enter(page, tomo.keys.brief)
        await page.getByRole('button', { name: 'Signed in as brief, tenant default' }).waitFor()
      },
      refused,
    ))

  test('leads nowhere else', async () => {
    for (const next of ['//evil.example/', 'https://evil.example/', '/\\evil.example/', 'javascript:alert(1)', '/..//evil.example/']) {
      await browser.visit(
        `/sign-in?next=${encodeURIComponent(next)}`,
        async (page) => {
          await form(page).waitFor()
          await enter(page, tomo.keys.ada)
          await page.getByRole('button', { name: /^Signed in as ada/ }).waitFor()
          expect(new URL(page.url()).origin + new URL(page.url()).pathname).toBe(`${tomo.url}/`)
        },
        refused,
      )
    }
  })

  test('leads to signing in, and back, when a session ends', () =>
    browser.visit(
      '/sign-in?next=/traces?filter=ok',
      async (page) => {
        const key = JSON.parse(await tomo.credentials('add', '--json', '--name', 'passing', '--actions', 'read')) as Key
        await expect
          .poll(
            async () => {
              await enter(page, key)
              return page.getByRole('button', { name: 'Signed in as passing, tenant default' }).waitFor({ timeout: 2000 }).then(
                () => true,
                () => false,
              )
            },
          )
          .toBe(true)
        await page.getByRole('main').getByRole('heading', { name: /no trace|nothing/i }).first().waitFor()
        await tomo.credentials('remove', key.AccessKeyId)
        await expect
          .poll(
            async () => {
              await page.keyboard.press('r')
              return form(page).waitFor({ timeout: 1000 }).then(
                () => true,
                () => false,
              )
            },
          )
          .toBe(true)
        expect(new URL(page.url()).searchParams.get('next')).toBe('/traces?filter=ok')
        await enter(page, tomo.keys.ada)
        await page.getByRole('button', { name: 'Signed in as ada, tenant default' }).waitFor()
        expect(new URL(page.url()).search).toBe('?filter=ok')
      },
      refused,
    ))

  test('lets who may make and remove credentials', () =>
    browser.visit(
      '/sign-in?next=/settings?section=credentials',
      async (page) => {
        await enter(page, tomo.keys.ada)
        const table = page.getByRole('region', { name: 'Credentials' })
        await table.getByRole('row', { name: /^ada you/ }).waitFor()
        expect(await table.getByRole('row').count()).toBeGreaterThanOrEqual(4) // with the head; those of team-b are not there
        expect(await table.getByText('grace').count()).toBe(0)
        await expectAccessible(page)

        const name = 'robot'
        await page.getByRole('button', { name: 'Add a credential' }).click()
        const form = page.getByRole('dialog', { name: 'Add a credential' })
        await form.getByLabel('Name').fill(name)
        await form.getByRole('checkbox', { name: /^read/ }).uncheck()
        await form.getByLabel('And these actions').fill('xray:Nothing')
        await form.getByRole('button', { name: 'Add', exact: true }).click()
        await form.getByRole('alert').getByText('"xray:Nothing" is neither a role').waitFor()
        await expectAccessible(page)
        await form.getByLabel('And these actions').fill('xray:GetGroups')
        await form.getByRole('button', { name: 'Add', exact: true }).click()
        const made = page.getByRole('dialog', { name: `${name} is made` })
        const told = await made.locator('pre').innerText()
        const key = { AccessKeyId: /KEY_ID=(\w+)/.exec(told)![1]!, SecretAccessKey: /SECRET_ACCESS_KEY=(\w+)/.exec(told)![1]! }
        await expectAccessible(page)
        await made.getByRole('button', { name: 'I have it' }).click()
        await table.getByRole('row', { name: new RegExp(`^${name}`) }).waitFor()
        expect(await page.content()).not.toContain(key.SecretAccessKey)

        // It works at once, and is gone at once.
        const works = () => page.request.post(`${tomo.url}/console/api/session`, { headers: { Origin: tomo.url, 'Content-Type': 'application/json', Cookie: '' }, data: key }).then((answer) => answer.status())
        const mine = await page.context().cookies()
        expect(await works()).toBe(200)
        await page.context().addCookies(mine) // the request had a cookie jar too
        await page.getByRole('button', { name: `Remove ${name}` }).click()
        const sure = page.getByRole('dialog', { name: `Remove ${name}?` })
        await expectAccessible(page)
        await sure.getByRole('button', { name: 'Remove' }).click()
        await table.getByRole('row', { name: new RegExp(`^${name}`) }).waitFor({ state: 'detached' })
        expect(await works()).toBe(403)

        // The last that may change others stays.
        await page.getByRole('button', { name: 'Remove ada' }).click()
        await page.getByRole('dialog', { name: 'Remove ada?' }).getByRole('button', { name: 'Remove' }).click()
        await page.getByRole('alert').getByText('nobody could change credentials here any more').waitFor()
      },
      { complaint: /status of (400|401|403)/ },
    ),
  )

  describe('visited by somebody who also has a page of another site open', () => {
    let foreign: HTTPServer
    beforeAll(async () => {
      // A page that may do whatever pages may.
      foreign = createServer((_, answer) => answer.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>foreign</title><iframe name="sink"></iframe><p>'))
      await new Promise<void>((ready) => foreign.listen(0, '127.0.0.1', ready))
    })
    afterAll(() => void foreign.close())

    // 127.0.0.1 with another port is of the same site, so the browser sends the
    // cookie; localhost is another site, and it does not.
    test.each(['127.0.0.1', 'localhost'])('does nothing for it (%s)', (host) =>
      browser.visit(
        '/sign-in',
        async (page) => {
          await enter(page, tomo.keys.ada)
          await page.getByRole('button', { name: 'Signed in as ada, tenant default' }).waitFor()
          const seen = async () => [await ask(page, '/Groups', {}), await ask(page, '/console/api/keep-rules'), await ask(page, '/GetSamplingRules', {}), await ask(page, '/TraceSummaries', { StartTime: 1, EndTime: Math.floor(Date.now() / 1000) })].map(({ status, text }) => `${status} ${text.replace(/"ApproximateTime":[^,]*/, '')}`)
          const before = await seen()

          const other = await page.context().newPage()
          const statuses: Record<string, number[]> = {}
          const sent: boolean[] = []
          other.on('response', (answer) => {
            const path = new URL(answer.url())
            if (answer.url().startsWith(tomo.url)) (statuses[`${answer.request().method()} ${path.pathname}`] ??= []).push(answer.status())
          })
          const devtools = await page.context().newCDPSession(other)
          await devtools.send('Network.enable')
          devtools.on('Network.requestWillBeSentExtraInfo', (event) => {
            if (event.headers['Host'] === new URL(tomo.url).host || event.headers[':authority'] === new URL(tomo.url).host) sent.push(/tomo-session/.test(event.headers['Cookie'] ?? ''))
          })
          await other.goto(`http://${host}:${(foreign.address() as AddressInfo).port}/`)
          const orders: [string, object][] = [
            ['/CreateGroup', { GroupName: 'evil', FilterExpression: 'fault' }],
            ['/TraceSegments', { TraceSegmentDocuments: [JSON.stringify(sample('evil'))] }],
            ['/CreateSamplingRule', { SamplingRule: { RuleName: 'evil', ResourceARN: '*', Priority: 1, FixedRate: 1, ReservoirSize: 1, ServiceName: '*', ServiceType: '*', Host: '*', HTTPMethod: '*', URLPath: '*', Version: 1 } }],
            ['/console/api/credentials', { Actions: ['admin'] }],
            ['/console/api/session', { AccessKeyId: 'x', SecretAccessKey: 'x' }],
            ['/console/api/completion', { Text: '' }],
          ]
          const read = await other.evaluate(
            async ({ server, orders }) => {
              const got: string[] = []
              const settled = async (what: string, asked: Promise<Response>) => {
                const answer = await asked.catch(() => null)
                const text = await answer?.text().catch(() => '')
                if (text) got.push(`${what}: ${text}`)
              }
              for (const [path, order] of orders) {
                const body = JSON.stringify(order)
                // Forms: one that a browser sends as it is, with a text that is JSON.
                for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
                  const form = document.createElement('form')
                  Object.assign(form, { method: 'POST', action: server + path, enctype, target: 'sink' })
                  const field = document.createElement('input')
                  const cut = body.lastIndexOf('"')
                  field.name = body.slice(0, cut) + ' '
                  field.value = body.slice(cut)
                  form.append(field)
                  document.body.append(form)
                  const frame = document.querySelector('iframe')!
                  await new Promise((done) => {
                    frame.onload = done
                    form.submit()
                    setTimeout(done, 3000)
                  })
                  form.remove()
                }
                await settled(`no-cors ${path}`, fetch(server + path, { method: 'POST', mode: 'no-cors', credentials: 'include', body, headers: { 'Content-Type': 'text/plain' } }))
                await settled(`blob ${path}`, fetch(server + path, { method: 'POST', mode: 'no-cors', credentials: 'include', body: new Blob([body]) }))
                await settled(`cors ${path}`, fetch(server + path, { method: 'POST', credentials: 'include', body, headers: { 'Content-Type': 'application/json' } }))
                await settled(`marked ${path}`, fetch(server + path, { method: 'POST', credentials: 'include', body, headers: { 'Content-Type': 'application/json', 'X-Tomo-Console': '1' } }))
                navigator.sendBeacon(server + path, body)
              }
              for (const [method, path] of [['PUT', '/console/api/keep-rules'], ['DELETE', '/console/api/session'], ['DELETE', '/console/api/credentials']] as const) {
                await settled(`${method} ${path}`, fetch(server + path, { method, credentials: 'include', body: '{"Revision":0,"Rules":[{"Name":"evil","Rate":0}]}', headers: { 'Content-Type': 'application/json' } }))
              }
              for (const path of ['/console/api/losses', '/console/api/session', '/metrics', '/telemetry']) {
                await settled(`GET ${path}`, fetch(server + path, { credentials: 'include' }))
                await settled(`no-cors GET ${path}`, fetch(server + path, { mode: 'no-cors', credentials: 'include' }))
                for (const kind of ['img', 'script'] as const) {
                  const element = Object.assign(document.createElement(kind), { src: server + path })
                  await new Promise((done) => {
                    element.onload = () => done(got.push(`${kind} ${path} loads`))
                    element.onerror = done
                    document.body.append(element)
                  })
                }
              }
              return got
            },
            { server: tomo.url, orders },
          )
          expect(read).toEqual([])
          // Pages cannot be framed, nor reached through a window.
          const framed = await other.evaluate(async (server) => {
            const frame = Object.assign(document.createElement('iframe'), { src: `${server}/traces` })
            await new Promise((done) => {
              frame.onload = done
              document.body.append(frame)
            })
            try {
              return frame.contentDocument?.title ?? 'nothing'
            } catch {
              return 'nothing'
            }
          }, tomo.url)
          expect(framed).toBe('nothing')
          expect(other.frames().map((frame) => frame.url())).toContain('chrome-error://chromewebdata/')

          expect(Object.keys(statuses)).toEqual(expect.arrayContaining(orders.map(([path]) => `POST ${path}`)))
          for (const [what, all] of Object.entries(statuses)) {
            if (what !== 'GET /traces') expect(all.filter((status) => status < 400), what).toEqual([])
          }
          expect(sent.length).toBeGreaterThan(20)
          expect(sent.some((with_) => with_)).toBe(host === '127.0.0.1')
          await other.close()
          expect(await seen()).toEqual(before)
          await page.getByRole('button', { name: 'Signed in as ada, tenant default' }).waitFor()
        },
        refused,
      ),
    )
  })
})

describe('a server without credentials', () => {
  const tomo = server()
  const browser = visitor(tomo)

  test('tells in its settings what credentials would change', () =>
    browser.visit(
      '/settings?section=credentials',
      async (page) => {
        await page.getByText('There are no credentials: everybody who reaches this server may read and change everything.').waitFor()
        await page.getByText('tomo credentials add --name me --actions admin').waitFor()
        expect(await page.getByRole('button', { name: 'Add a credential' }).count()).toBe(0)
        await expectAccessible(page)
      },
    ),
  )

  test('says nothing of signing in', () =>
    browser.visit('/sign-in?next=/traces', async (page) => {
      await page.getByRole('heading', { level: 1, name: 'Traces' }).waitFor()
      expect(new URL(page.url()).pathname).toBe('/traces')
      await page.getByRole('navigation', { name: 'Pages' }).waitFor()
      expect(await page.getByText(/sign(ed)? (in|out)/i).count()).toBe(0)
      expect(await page.getByRole('button', { name: /sign/i }).count()).toBe(0)
    }))
})
