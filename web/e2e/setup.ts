import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  interface ProvidedContext {
    /** The program under test. */
    tomo: string
    /** What writes a past for it: e2e/past. */
    past: string
  }
}

/** Builds Tomo, and what writes a past, once for all tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'tomo-console-'))
  await promisify(execFile)('go', ['build', '-o', directory, './cmd/tomo', './web/e2e/past'], { cwd: join(import.meta.dirname, '../..'), env: { ...process.env, CGO_ENABLED: '0' } })
  project.provide('tomo', join(directory, 'tomo'))
  project.provide('past', join(directory, 'past'))
  return () => rm(directory, { recursive: true })
}
