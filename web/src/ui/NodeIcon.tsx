import type { NodeKind } from '../model/graph'

// What a node is, in lines on a grid of 24.
const paths: Record<NodeKind, string> = {
  client: 'M12 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM5 19.5c.6-3.6 3.4-5.5 7-5.5s6.4 1.9 7 5.5',
  service: 'm12 3.5 7.5 4.25v8.5L12 20.5l-7.5-4.25v-8.5L12 3.5ZM4.7 7.9 12 12l7.3-4.1M12 12v8.3',
  function: 'M7 20 13.5 8.5 12 4.5H8.5M10.8 13.2 15 20h2.5',
  instance: 'M7 7h10v10H7zM10 3.5V7M14 3.5V7M10 17v3.5M14 17v3.5M3.5 10H7M3.5 14H7M17 10h3.5M17 14h3.5',
  container: 'M4 8.5 12 4.5l8 4v7l-8 4-8-4zM4 8.5l8 4 8-4M12 12.5v7M8 6.5l8 4',
  gateway: 'M4 12h5M15 12h5M9 7.5v9l6-4.5-6-4.5ZM15 7v10',
  table: 'M5 6.5c0-1.4 3.1-2.5 7-2.5s7 1.1 7 2.5-3.1 2.5-7 2.5-7-1.1-7-2.5ZM5 6.5v11c0 1.4 3.1 2.5 7 2.5s7-1.1 7-2.5v-11M13 11.5l-2.5 3h3l-2.5 3',
  database: 'M5 6.5c0-1.4 3.1-2.5 7-2.5s7 1.1 7 2.5-3.1 2.5-7 2.5-7-1.1-7-2.5ZM5 6.5v11c0 1.4 3.1 2.5 7 2.5s7-1.1 7-2.5v-11M5 12c0 1.4 3.1 2.5 7 2.5s7-1.1 7-2.5',
  bucket: 'M4.5 6.5c0-1.1 3.4-2 7.5-2s7.5.9 7.5 2-3.4 2-7.5 2-7.5-.9-7.5-2ZM4.5 6.5l2 11.5c.2 1.1 2.6 2 5.5 2s5.3-.9 5.5-2l2-11.5',
  queue: 'M4 7.5h4v9H4zM10 7.5h4v9h-4zM16 12h4.5M18.2 9.5l2.5 2.5-2.5 2.5',
  topic: 'M6 12h5M11 12 17 6.5M11 12l6 5.5M11 12h7M4 12a1.5 1.5 0 1 0 3 0 1.5 1.5 0 0 0-3 0ZM17 6a1.5 1.5 0 1 0 3 0 1.5 1.5 0 0 0-3 0ZM17.5 12a1.5 1.5 0 1 0 3 0 1.5 1.5 0 0 0-3 0ZM17 18a1.5 1.5 0 1 0 3 0 1.5 1.5 0 0 0-3 0Z',
  stream: 'M4 8c2.7-2 5.3-2 8 0s5.3 2 8 0M4 12.5c2.7-2 5.3-2 8 0s5.3 2 8 0M4 17c2.7-2 5.3-2 8 0s5.3 2 8 0',
  workflow: 'M9.5 4h5v4h-5zM4 16h5v4H4zM15 16h5v4h-5zM12 8v4M6.5 16v-4h11v4',
  secret: 'M8 14.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM11.5 12.5 19.5 12.5v3.5M16 12.5v2.5',
  cache: 'M13 3.5 6 13h5l-1 7.5L17.5 11h-5L13 3.5Z',
  cloud: 'M7.5 18.5a4 4 0 0 1-.6-8 5.5 5.5 0 0 1 10.6 1 3.5 3.5 0 0 1-.5 7h-9.5Z',
  remote: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM3.5 12h17M12 3.5c2.3 2.3 3.5 5.2 3.5 8.5s-1.2 6.2-3.5 8.5c-2.3-2.3-3.5-5.2-3.5-8.5s1.2-6.2 3.5-8.5Z',
}

/** The lines of an icon, to be drawn in another SVG. */
export function nodeIconPath(kind: NodeKind): string {
  return paths[kind]
}

/** What a node is, beside its name. */
export function NodeIcon({ kind, size = 18 }: { kind: NodeKind; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={1.7} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" style={{ flex: 'none' }}>
      <path d={paths[kind]} />
    </svg>
  )
}
