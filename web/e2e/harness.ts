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
import { chromium, type Browser, type Page, type ViewportSize } from 'playwright-core'
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
  /** Opens a path and hands the page over; it is closed behind. */
  visit: (path: string, look: (page: Page) => Promise<void>, options?: Visit) => Promise<void>
}

interface Visit {
  theme?: Theme
  viewport?: ViewportSize
  /** What the browser may complain of: it tells of every answer that is no success. */
  complaint?: RegExp
}

const viewport = { width: 1400, height: 860 }

/** visitor starts a browser for the tests of a file. */
export function visitor(to: Server): Visitor {
  let browser: Browser
  beforeAll(async () => {
    // Debian's Chromium; root needs --no-sandbox. The pages come from this machine.
    browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  })
  afterAll(() => browser.close())
  return {
    visit: async (path, look, options = {}) => {
      const context = await browser.newContext({ viewport: options.viewport ?? viewport, colorScheme: options.theme ?? 'light', timezoneId: 'UTC', locale: 'en-US' })
      const page = await context.newPage()
      page.setDefaultTimeout(20_000) // less than a test has, so that it tells what it waited for
      const problems: string[] = []
      // Whatever the Content-Security-Policy forbids is told there too.
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
      })
      page.on('pageerror', (error) => problems.push(error.message))
      page.on('request', (request) => {
        if (!request.url().startsWith(to.url)) problems.push(`asked for ${request.url()}`)
      })
      try {
        await page.goto(to.url + path)
        await look(page)
        expect(problems.filter((problem) => !options.complaint?.test(problem))).toEqual([])
      } finally {
        await context.close()
      }
    },
  }
}

const axe = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  help: string
  nodes: { html: string; failureSummary: string }[]
}

/** expectAccessible holds the page as it is against the rules of WCAG 2.2 AA, and what else is good practice. */
export async function expectAccessible(page: Page): Promise<void> {
  await page.evaluate(await axe)
  const violations = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: { run: (context: Document, options: object) => Promise<{ violations: Violation[] }> } }
    return (await axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })).violations
  })
  expect(violations.map((violation) => `${violation.id}: ${violation.help}\n${violation.nodes.map((node) => `  ${node.html}\n  ${node.failureSummary}`).join('\n')}`)).toEqual([])
}
