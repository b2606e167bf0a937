import { useSyncExternalStore } from 'react'
import { keepTheme, theme, type Theme } from './look'

export type { Theme } from './look'

const listeners = new Set<() => void>()

export function setTheme(wanted: Theme): void {
  keepTheme(wanted)
  for (const heard of listeners) heard()
}

function subscribe(heard: () => void): () => void {
  listeners.add(heard)
  return () => listeners.delete(heard)
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, theme)
}
