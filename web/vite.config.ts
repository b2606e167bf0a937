import react from '@vitejs/plugin-react'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

/**
 * early has the browser fetch what src/main.ts imports after the first paint while it
 * paints, and not paint before main.ts ran, which knows the colours that the reader wants.
 */
function early(): Plugin {
  return {
    name: 'early',
    transformIndexHtml: {
      order: 'post',
      handler: (html, { bundle }) => {
        if (!bundle) return html
        const files = new Set<string>()
        const add = (name: string) => {
          const chunk = bundle[name]
          if (chunk?.type !== 'chunk' || files.has(name)) return
          files.add(name)
          for (const style of chunk.viteMetadata?.importedCss ?? []) files.add(style)
          chunk.imports.forEach(add)
        }
        for (const chunk of Object.values(bundle)) if (chunk.type === 'chunk' && chunk.facadeModuleId?.endsWith('/src/app/start.tsx')) add(chunk.fileName)
        const tags = [...files]
          .filter((name) => !html.includes(`"/${name}"`))
          .map((name) => (name.endsWith('.css') ? `<link rel="stylesheet" crossorigin href="/${name}">` : `<link rel="modulepreload" crossorigin href="/${name}">`))
        if (!html.includes('<script type="module" crossorigin')) throw new Error('index.html has no module')
        return html.replace('<script type="module" crossorigin', '<script type="module" blocking="render" crossorigin').replace('  </head>', `${tags.map((tag) => `    ${tag}\n`).join('')}  </head>`)
      },
    },
  }
}

// The same sources give the same bytes on every machine: names come from
// contents, and nothing is read from the environment.
export default defineConfig({
  plugins: [react(), early()],
  build: {
    target: 'es2023',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'], // the first with light-dark()
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0, // the Content-Security-Policy allows no data: URLs
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      output: {
        // Libraries change rarely: apart from our own code they stay in caches, and
        // a change of a page leaves them alone.
        codeSplitting: {
          groups: [
            { name: 'editor', test: /node_modules[\\/](@codemirror|@lezer|style-mod|w3c-keyname|crelt|@marijn)/ },
            { name: 'virtual', test: /node_modules[\\/]@tanstack[\\/](react-virtual|virtual-core)/ },
            { name: 'libraries', test: /node_modules/ },
          ],
        },
      },
    },
  },
  server: {
    // npm run dev: the API of a Tomo that runs already.
    proxy: Object.fromEntries(
      ['^/[A-Z]', '^/console/', '^/(healthz|readyz|version|metrics|telemetry)$'].map((path) => [path, { target: process.env.TOMO_ENDPOINT ?? 'http://127.0.0.1:2000' }]),
    ),
  },
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts'], environment: 'node' } },
      // Two files at a time: each waits for its browser and its server half of the time. Whoever
      // waits for a condition does so as long as a machine that is four times slower needs.
      { test: { name: 'browser', include: ['e2e/**/*.test.ts'], environment: 'node', testTimeout: 240_000, hookTimeout: 240_000, expect: { poll: { timeout: 40_000 } }, maxWorkers: 2, globalSetup: ['e2e/setup.ts'] } },
      { test: { name: 'measure', include: ['e2e/measure.ts'], environment: 'node', testTimeout: 300_000, hookTimeout: 120_000, globalSetup: ['e2e/setup.ts'] } },
      { test: { name: 'screenshots', include: ['e2e/screenshots.ts'], environment: 'node', testTimeout: 60_000, hookTimeout: 1_800_000, globalSetup: ['e2e/setup.ts'] } },
      { test: { name: 'bench', include: ['e2e/bench.ts'], environment: 'node', testTimeout: 60_000, hookTimeout: 1_800_000, globalSetup: ['e2e/setup.ts'] } },
    ],
  },
})
