// Weighs the first view of the console, the trace map, packed as the server sends it.
// What imports what is read from dist, so that nothing can be forgotten.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const most = 250_000
const dist = join(import.meta.dirname, 'dist')
const page = 'MapPage'

const files = new Set(['index.html'])
/** add takes a file, and the files that it cannot do without. */
function add(name) {
  if (files.has(name)) return
  files.add(name)
  if (!name.endsWith('.js')) return
  const text = readFileSync(join(dist, name), 'utf8')
  for (const [, imported] of text.matchAll(/(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)) add(`assets/${imported}`)
  // What is imported when it is needed, and what goes with it: Vite lists all of it.
  for (const [, wanted] of text.matchAll(/["'](assets\/[\w.-]+)["']/g)) if (wanted.includes(`/${page}-`)) add(wanted)
}
for (const [, name] of readFileSync(join(dist, 'index.html'), 'utf8').matchAll(/(?:src|href)="\/(assets\/[\w.-]+)"/g)) add(name)
// A style sheet has the name of the chunk that wants it.
const stem = (name) => name.replace(/-[\w-]{8}\.\w+$/, '')
const stems = new Set([...files].map(stem))
for (const name of readdirSync(join(dist, 'assets'))) if (name.endsWith('.css') && stems.has(stem(`assets/${name}`))) files.add(`assets/${name}`)
if (![...files].some((name) => name.includes(`/${page}-`))) throw new Error(`${page} is not in the first view`)

const weights = [...files].map((name) => [name, gzipSync(readFileSync(join(dist, name)), { level: 9 }).length]).sort(([, a], [, b]) => b - a)
const sum = weights.reduce((sum, [, weight]) => sum + weight, 0)
console.log(`the first view is ${(sum / 1000).toFixed(1)} kB packed, of ${most / 1000} at most`)
if (sum > most) {
  console.log(weights.map(([name, weight]) => `${weight} ${name}`).join('\n'))
  process.exit(1)
}
