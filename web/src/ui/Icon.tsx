// Our own icons: lines on a grid of 24, in the colour of the text.

const paths = {
  map: 'M6 9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Zm0 11a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Zm12-5.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5ZM8.3 7.5l7.5 3.6M8.3 16.5l7.5-3.6',
  traces: 'M4 6h9M8 12h12M11 18h6',
  analytics: 'M4 20V10M9.5 20V4M15 20v-7M20.5 20V8',
  insights: 'M9.5 18h5M10.5 21h3M12 3a6 6 0 0 0-3.5 10.9c.7.5 1 1.2 1 2.1h5c0-.9.3-1.6 1-2.1A6 6 0 0 0 12 3Z',
  groups: 'M4 7.5 12 4l8 3.5-8 3.5-8-3.5ZM4 12l8 3.5 8-3.5M4 16.5 12 20l8-3.5',
  sampling: 'M4 5h16l-6.2 7.5V19l-3.6-2v-4.5L4 5Z',
  settings: 'M5 6.5h8M17.5 6.5H19M15.2 8.7a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4ZM5 17.5h1.5M11 17.5h8M8.8 19.7a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4Z',
  status: 'M3 12h4l2.5-7 4.5 14 2.5-7h4.5',
  search: 'M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM15.2 15.2 20 20',
  refresh: 'M19.5 9A8 8 0 1 0 20 13.5M20 4v5h-5',
  down: 'm6.5 9.5 5.5 5.5 5.5-5.5',
  up: 'm6.5 14.5 5.5-5.5 5.5 5.5',
  right: 'm9.5 6.5 5.5 5.5-5.5 5.5',
  left: 'm14.5 6.5-5.5 5.5 5.5 5.5',
  check: 'm5 12.5 4.5 4.5L19 7.5',
  close: 'm6 6 12 12M18 6 6 18',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  fit: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
  arrange: 'M5 5h4v4H5zM15 5h4v4h-4zM10 15h4v4h-4zM7 9v3h10V9M12 12v3',
  copy: 'M9 9h10v11H9zM5 15V4h10',
  help: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM9.8 9.3a2.3 2.3 0 1 1 3.3 2.3c-.8.4-1.1.9-1.1 1.7M12 16.6v.1',
  light: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 3v1.5M12 19.5V21M3 12h1.5M19.5 12H21M5.6 5.6l1.1 1.1M17.3 17.3l1.1 1.1M18.4 5.6l-1.1 1.1M6.7 17.3l-1.1 1.1',
  dark: 'M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z',
  system: 'M4 5h16v11H4zM9 20h6M12 16v4',
  time: 'M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 7v5.3l3.3 2',
  warning: 'M12 4 2.8 20h18.4L12 4ZM12 10v4.5M12 17.2v.1',
  fault: 'm8 8 8 8M16 8l-8 8M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  ok: 'm8 12.3 2.8 2.8L16 9.7M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z',
  throttle: 'M5.6 18.4a9 9 0 1 1 12.8 0M12 13l4-4',
  table: 'M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9',
  menu: 'M4 7h16M4 12h16M4 17h16',
  sidebar: 'M4 5h16v14H4zM9.5 5v14',
  link: 'M10 14a4 4 0 0 0 5.7 0l2.6-2.6a4 4 0 0 0-5.7-5.7L11.5 6.8M14 10a4 4 0 0 0-5.7 0l-2.6 2.6a4 4 0 0 0 5.7 5.7l1.1-1.1',
  play: 'M8 5.5v13l10.5-6.5L8 5.5Z',
  stop: 'M7 7h10v10H7z',
  edit: 'M5 19h3.5L19 8.5 15.5 5 5 15.5V19ZM13 7.5l3.5 3.5',
  delete: 'M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.3 10.5v6M13.7 10.5v6',
  pause: 'M8.5 6v12M15.5 6v12',
  download: 'M12 4v11M7.5 11 12 15.5 16.5 11M5 20h14',
  star: 'm12 4 2.5 5.2 5.7.8-4.1 4 1 5.7-5.1-2.7-5.1 2.7 1-5.7-4.1-4 5.7-.8L12 4Z',
  person: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5a7.5 7.5 0 0 1 15 0',
  swap: 'M7 4 3.5 7.5 7 11M3.5 7.5H20M17 13l3.5 3.5L17 20M20.5 16.5H4',
  external: 'M13 5h6v6M19 5l-8.5 8.5M16 14v5H5V8h5',
} as const

export type IconName = keyof typeof paths

/** An icon beside words that say the same. It is not read aloud. */
export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" strokeWidth={size < 20 ? 2 : 1.7} strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false" style={{ flex: 'none' }}>
      <path d={paths[name]} />
    </svg>
  )
}
