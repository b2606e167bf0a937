import { useEffect, useRef } from 'react'

/** A key that does something on a page, and what: `?` lists them. */
export interface Shortcut {
  /** A key as KeyboardEvent.key tells it, or two of them in turn with a space between, such as "g m". */
  keys: string
  does: string
  run: () => void
}

/** A list of shortcuts under a heading. */
export interface ShortcutGroup {
  title: string
  shortcuts: readonly Shortcut[]
}

const groups = new Set<{ current: ShortcutGroup }>()

/** allShortcuts lists those of what is on the screen. */
export function allShortcuts(): ShortcutGroup[] {
  return [...groups].map((group) => group.current)
}

/** useShortcuts makes keys do something while a component is on the screen. */
export function useShortcuts(title: string, shortcuts: readonly Shortcut[]): void {
  const ref = useRef<ShortcutGroup>({ title, shortcuts })
  useEffect(() => {
    ref.current = { title, shortcuts }
  })
  useEffect(() => {
    groups.add(ref)
    return () => void groups.delete(ref)
  }, [])
}

/** How long the second key of two may take, in milliseconds. */
const patience = 1200

/** listen hears all keys and runs the shortcut that they name. It returns how to stop. */
export function listen(target: Window): () => void {
  let first = ''
  let timer = 0
  const heard = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyped(event)) return
    const both = first === '' ? event.key : `${first} ${event.key}`
    const known = allShortcuts().flatMap((group) => [...group.shortcuts])
    first = ''
    clearTimeout(timer)
    const found = known.findLast((shortcut) => shortcut.keys === both)
    if (found) {
      event.preventDefault()
      found.run()
    } else if (known.some((shortcut) => shortcut.keys.startsWith(`${event.key} `))) {
      first = event.key
      timer = target.setTimeout(() => (first = ''), patience)
    }
  }
  target.addEventListener('keydown', heard)
  return () => target.removeEventListener('keydown', heard)
}

/** isTyped says whether a key is text for a field, or has a meaning for what is focused. */
function isTyped(event: KeyboardEvent): boolean {
  const at = event.composedPath()[0]
  if (!(at instanceof HTMLElement)) return false
  if (at.isContentEditable || /^(input|textarea|select)$/i.test(at.tagName)) return true
  return document.querySelector('[role=dialog][aria-modal=true], [role=listbox], [role=menu]')?.contains(at) ?? false
}
