import { useSyncExternalStore } from 'react'

/** What the reader wants: one of the two, or what their system has. */
export type Theme = 'system' | 'light' | 'dark'

const key = 'tomo.theme'
const listeners = new Set<() => void>()

export function theme(): Theme {
  const kept = localStorage.getItem(key)
  return kept === 'light' || kept === 'dark' ? kept : 'system'
}

export function setTheme(wanted: Theme): void {
  if (wanted === 'system') localStorage.removeItem(key)
  else localStorage.setItem(key, wanted)
  applyTheme()
  for (const heard of listeners) heard()
}

/** applyTheme tells the style sheets; see styles/tokens.css. */
export function applyTheme(): void {
  const wanted = theme()
  if (wanted === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = wanted
}

function subscribe(heard: () => void): () => void {
  listeners.add(heard)
  return () => listeners.delete(heard)
}

export function useTheme(): Theme {
  return useSyncExternalStore(subscribe, theme)
}
