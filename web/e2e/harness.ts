// A real server and a real browser for the tests of the console.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { chromium, type Browser, type Page, type Request, type ViewportSize } from 'playwright-core'
import { afterAll, beforeAll, expect, inject } from 'vitest'

/** A Tomo that runs, with data of its own. */
export interface Server {
  url: string
}

/** server starts a Tomo before the tests of a file, fills it, and ends it behind them. */
export function server(fill?: (url: string) => Promise<void>, ...flags: string[]): Server {
  return started(undefined, fill, flags)
}

/** Documents that were received then, in seconds since 1970. */
export interface Received {
  received: number
  documents: readonly object[]
}

/** serverWithPast is a server that has run while things were received, oldest first; insights are enabled for its group Default. */
export function serverWithPast(past: () => Iterable<Received>, fill?: (url: string) => Promise<void>, ...flags: string[]): Server {
  return started((data) => write(past(), data), fill, flags)
}

/** A credential with its secret. */
export interface Key {
  AccessKeyId: string
  SecretAccessKey: string
  SessionToken?: string
}

/** What a credential is to be: the flags of `tomo credentials add`. */
export type Wish = readonly string[]

export interface GuardedServer<Name extends string> extends Server {
  keys: Record<Name, Key>
  /** Runs `tomo credentials` on it. */
  credentials: (...args: string[]) => Promise<string>
}

/** serverWithCredentials is a server that asks everybody who they are. */
export function serverWithCredentials<Name extends string>(wishes: Record<Name, Wish>, ...flags: string[]): GuardedServer<Name> {
  let directory = ''
  const credentials = async (...args: string[]) => (await promisify(execFile)(inject('tomo'), ['credentials', ...args, '--data', directory])).stdout
  const keys = {} as Record<Name, Key>
  const running = started(
    async (data) => {
      directory = data
      for (const name of Object.keys(wishes) as Name[]) keys[name] = JSON.parse(await credentials('add', '--json', '--name', name, ...wishes[name])) as Key
    },
    undefined,
    flags,
  )
  return Object.assign(running, { keys, credentials })
}

function started(prepare: ((data: string) => Promise<void>) | undefined, fill: ((url: string) => Promise<void>) | undefined, flags: string[]): Server {
  const running: Server = { url: '' }
  let process: ChildProcess
  let data: string
  beforeAll(async () => {
    data = mkdtempSync(join(tmpdir(), 'tomo-console-data-'))
    await prepare?.(data)
    process = spawn(inject('tomo'), ['serve', '--listen', '127.0.0.1:0', '--data', data, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] })
    running.url = await new Promise<string>((found, failed) => {
      process.once('exit', (code) => failed(new Error(`tomo ended with ${code} before it was ready`)))
      createInterface({ input: process.stdout! }).on('line', (line) => {
        const at = /http:\/\/127\.0\.0\.1:\d+/.exec(line)
        if (at) found(at[0])
      })
    })
    await fill?.(running.url)
  })
  afterAll(async () => {
    const ended = new Promise((done) => process.once('exit', done))
    process.kill('SIGTERM')
    await ended
    rmSync(data, { recursive: true })
  })
  return running
}

/** write puts a past into the directory of a server; see past/main.go. */
async function write(past: Iterable<Received>, directory: string): Promise<void> {
  const writer = spawn(inject('past'), [directory], { stdio: ['pipe', 'inherit', 'inherit'] })
  const ended = new Promise<void>((done, failed) => writer.once('exit', (code) => (code === 0 ? done() : failed(new Error(`writing the past ended with ${code}`)))))
  for (const { received, documents } of past) {
    const line = JSON.stringify({ Received: received, Documents: documents.map((document) => JSON.stringify(document)) })
    if (!writer.stdin.write(`${line}\n`)) await Promise.race([once(writer.stdin, 'drain'), ended])
  }
  writer.stdin.end()
  await ended
}

export type Theme = 'light' | 'dark'
export const themes: readonly Theme[] = ['light', 'dark']

/** Visitors open pages in a browser, and fail the test if anything goes wrong in them. */
export interface Visitor {
  /** Opens a path and hands the page over. Whatever a page before kept in the browser is gone. */
  visit: (path: string, look: (page: Page) => Promise<void>, options?: Visit) => Promise<void>
}

interface Visit {
  theme?: Theme
  viewport?: ViewportSize
  /** What the browser may complain of: it tells of every answer that is no success. */
  complaint?: RegExp
}

const usualViewport = { width: 1400, height: 860 }

/** What the pages of a file are opened in: e2e/setup.ts runs it for all files. */
let browser: Promise<Browser> | undefined

/** What a page still asks of the server, and when that changed last, in milliseconds. */
const asking = new WeakMap<Page, { open: Set<Request>; changed: number }>()

/**
 * visitor opens pages of a server. A page of its own for each visit would take longer than
 * most visits: there is one, which is emptied behind each, and thrown away where a visit
 * failed. prepare is called once with each such page.
 */
export function visitor(to: Server, prepare: (page: Page) => Promise<void> = async () => {}): Visitor {
  let page: Page | null = null
  const open = async (): Promise<Page> => {
    browser ??= chromium.connect(inject('browser'))
    // Nothing moves, so that nobody waits until it has come to rest.
    const context = await (await browser).newContext({ timezoneId: 'UTC', locale: 'en-US', reducedMotion: 'reduce' })
    const made = await context.newPage()
    made.setDefaultTimeout(60_000) // less than a test has, so that it tells what it waited for
    await prepare(made)
    return made
  }
  const leave = async (left: Page): Promise<void> => {
    page = null
    await left.context().close()
  }
  afterAll(() => page && leave(page))
  return {
    visit: async (path, look, options = {}) => {
      const now = (page ??= await open())
      const problems: string[] = []
      // Whatever the Content-Security-Policy forbids is told there too.
      now.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
      })
      now.on('pageerror', (error) => problems.push(error.message))
      const questions = { open: new Set<Request>(), changed: Date.now() }
      asking.set(now, questions)
      const answered = (request: Request) => {
        questions.open.delete(request)
        questions.changed = Date.now()
      }
      now.on('request', (request) => {
        if (!request.url().startsWith(to.url)) problems.push(`asked for ${request.url()}`)
        questions.open.add(request)
        questions.changed = Date.now()
      })
      now.on('requestfinished', answered)
      now.on('requestfailed', answered)
      try {
        await now.emulateMedia({ colorScheme: options.theme ?? 'light' })
        await now.setViewportSize(options.viewport ?? usualViewport)
        await now.goto(to.url + path)
        await look(now)
        expect(problems.filter((problem) => !options.complaint?.test(problem))).toEqual([])
        await empty(now, to)
      } catch (failure) {
        await leave(now)
        throw failure
      }
    },
  }
}

/** empty makes a page as if it had never been used. */
async function empty(page: Page, of: Server): Promise<void> {
  const context = page.context()
  for (const other of context.pages()) if (other !== page) await other.close()
  for (const event of ['console', 'pageerror', 'request', 'requestfinished', 'requestfailed', 'response', 'dialog', 'download'] as const) page.removeAllListeners(event)
  context.removeAllListeners('page')
  await page.unrouteAll({ behavior: 'ignoreErrors' })
  if (page.url().startsWith(of.url))
    await page.evaluate(() => {
      localStorage.clear()
      sessionStorage.clear()
    })
  await context.clearCookies()
  await page.mouse.move(0, 0) // what is under it in the next page is not pointed at
  await page.goto('about:blank')
}

/** quiet waits until a page asks nothing of the server and has nothing to do; one that asks again and again is left after some seconds. */
export async function quiet(page: Page, most = 3000): Promise<void> {
  const questions = asking.get(page)!
  const end = Date.now() + most
  for (;;) {
    await page.evaluate(() => new Promise((idle) => requestIdleCallback(idle, { timeout: 1000 })))
    if ((questions.open.size === 0 && Date.now() - questions.changed > 100) || Date.now() > end) return
    await new Promise((later) => setTimeout(later, 25))
  }
}

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  help: string
  nodes: { html: string; failureSummary: string }[]
}

/** By what rules a page is accessible: those of WCAG 2.2 AA, and what else is good practice. */
const rules = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }

/** The rules that depend on colours, and so on the theme. */
const ofColours = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }

/** expectAccessible holds the page as it is against all rules, and against those of colours in the other theme too. */
export async function expectAccessible(page: Page): Promise<void> {
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(await axe)
  const broken = (runOnly: typeof rules) =>
    page.evaluate(async (runOnly) => {
      const { axe } = window as unknown as { axe: { run: (context: Document, options: object) => Promise<{ violations: Violation[] }> } }
      return (await axe.run(document, { runOnly, resultTypes: ['violations'] })).violations
    }, runOnly)
  const told = (violations: readonly Violation[]) => violations.map((violation) => `${violation.id}: ${violation.help}\n${violation.nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join('\n')}`)
  expect(told(await broken(rules))).toEqual([])
  const theme: Theme = (await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches)) ? 'dark' : 'light'
  const other: Theme = theme === 'dark' ? 'light' : 'dark'
  await page.emulateMedia({ colorScheme: other })
  expect(told(await broken(ofColours)), other).toEqual([])
  await page.emulateMedia({ colorScheme: theme })
}
