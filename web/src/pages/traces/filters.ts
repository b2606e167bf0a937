import { useSyncExternalStore } from 'react'

// Filters that were run, and those that were given a name, in the storage of the browser.

export interface SavedFilter {
  name: string
  filter: string
}

export const mostHistory = 50
export const mostName = 80

/** remember puts a filter on top of those that were run. */
export function remember(history: readonly string[], filter: string): string[] {
  const text = filter.trim()
  if (text === '') return [...history]
  return [text, ...history.filter((one) => one !== text)].slice(0, mostHistory)
}

/** save gives a filter a name; another of the same name is replaced. They are in order of their names. */
export function save(saved: readonly SavedFilter[], name: string, filter: string): SavedFilter[] {
  const short = name.trim().slice(0, mostName)
  return [...saved.filter((one) => one.name !== short), { name: short, filter: filter.trim() }].sort((a, b) => a.name.localeCompare(b.name))
}

/** rename gives a saved filter another name; one that has it already is replaced. */
export function rename(saved: readonly SavedFilter[], from: string, to: string): SavedFilter[] {
  const found = saved.find((one) => one.name === from)
  return found && to.trim() !== '' ? save(saved.filter((one) => one.name !== from), to, found.filter) : [...saved]
}

/** parseHistory and parseSaved read what the storage has; what is none of theirs is left out. */
export function parseHistory(text: string | null): string[] {
  const list = parse(text)
  return Array.isArray(list) ? list.filter((one): one is string => typeof one === 'string').slice(0, mostHistory) : []
}

export function parseSaved(text: string | null): SavedFilter[] {
  const list = parse(text)
  if (!Array.isArray(list)) return []
  return list.filter((one: unknown): one is SavedFilter => typeof one === 'object' && one !== null && 'name' in one && typeof one.name === 'string' && 'filter' in one && typeof one.filter === 'string')
}

function parse(text: string | null): unknown {
  try {
    return JSON.parse(text ?? 'null')
  } catch {
    return null
  }
}

const historyKey = 'tomo.filters.history'
const savedKey = 'tomo.filters.saved'
const listeners = new Set<() => void>()
let cache: { history: string | null; saved: string | null; value: Filters } | null = null

interface Filters {
  history: readonly string[]
  saved: readonly SavedFilter[]
}

function filters(): Filters {
  const history = localStorage.getItem(historyKey)
  const saved = localStorage.getItem(savedKey)
  if (!cache || cache.history !== history || cache.saved !== saved) cache = { history, saved, value: { history: parseHistory(history), saved: parseSaved(saved) } }
  return cache.value
}

function keep(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value))
  } catch {
    // A full or forbidden storage forgets; the filter itself is in the URL.
  }
  for (const heard of listeners) heard()
}

export const filterStore = {
  remember: (filter: string) => keep(historyKey, remember(filters().history, filter)),
  forget: (filter: string) => keep(historyKey, filters().history.filter((one) => one !== filter)),
  clear: () => keep(historyKey, []),
  save: (name: string, filter: string) => keep(savedKey, save(filters().saved, name, filter)),
  rename: (from: string, to: string) => keep(savedKey, rename(filters().saved, from, to)),
  remove: (name: string) => keep(savedKey, filters().saved.filter((one) => one.name !== name)),
}

function subscribe(heard: () => void): () => void {
  listeners.add(heard)
  window.addEventListener('storage', heard)
  return () => {
    listeners.delete(heard)
    window.removeEventListener('storage', heard)
  }
}

/** useFilters is the filters that are kept, also as other tabs change them. */
export function useFilters(): Filters {
  return useSyncExternalStore(subscribe, filters)
}
