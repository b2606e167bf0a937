import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** The program under test. */
    tomo: string
    /** What writes a past for it: e2e/past. */
    past: string
    /** The address of the browser that all files share. */
    browser: string
  }
}

/** Builds Tomo, and what writes a past, and starts a browser, once for all tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'tomo-console-'))
  await promisify(execFile)('go', ['build', '-o', directory, './cmd/tomo', './web/e2e/past'], { cwd: join(import.meta.dirname, '../..'), env: { ...process.env, CGO_ENABLED: '0' } })
  project.provide('tomo', join(directory, 'tomo'))
  project.provide('past', join(directory, 'past'))
  // Debian's Chromium; root needs --no-sandbox. The pages come from this machine.
  const browser = await chromium.launchServer({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  project.provide('browser', browser.wsEndpoint())
  return async () => {
    await browser.close()
    await rm(directory, { recursive: true })
  }
}
