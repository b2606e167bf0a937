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
  }
}

/** Builds Tomo, once for all tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'tomo-console-'))
  const tomo = join(directory, 'tomo')
  await promisify(execFile)('go', ['build', '-o', tomo, './cmd/tomo'], { cwd: join(import.meta.dirname, '../..'), env: { ...process.env, CGO_ENABLED: '0' } })
  project.provide('tomo', tomo)
  return () => rm(directory, { recursive: true })
}
