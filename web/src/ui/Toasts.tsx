import { useSyncExternalStore } from 'react'
import { IconButton } from './Button'
import { Icon } from './Icon'
import css from './Toasts.module.css'

interface Toast {
  id: number
  text: string
  kind: 'done' | 'failed'
}

let toasts: readonly Toast[] = []
let next = 1
const listeners = new Set<() => void>()

function change(now: readonly Toast[]): void {
  toasts = now
  for (const heard of listeners) heard()
}

/** toast tells in passing that something was done, or failed. What failed stays until it is dismissed. */
export function toast(text: string, kind: Toast['kind'] = 'done'): void {
  const id = next++
  change([...toasts.slice(-3), { id, text, kind }])
  if (kind === 'done') setTimeout(() => dismiss(id), 5000)
}

function dismiss(id: number): void {
  change(toasts.filter((one) => one.id !== id))
}

function subscribe(heard: () => void): () => void {
  listeners.add(heard)
  return () => listeners.delete(heard)
}

/** Where toasts are shown; the shell has one. */
export function Toasts() {
  const shown = useSyncExternalStore(subscribe, () => toasts)
  return (
    <div className={css.toasts} role="status" aria-live="polite">
      {shown.map((one) => (
        <div key={one.id} className={`${css.toast} ${one.kind === 'failed' ? css.failed : ''}`}>
          <Icon name={one.kind === 'failed' ? 'warning' : 'check'} />
          <span className={css.text}>{one.text}</span>
          <IconButton label="Dismiss" icon={<Icon name="close" size={14} />} onPress={() => dismiss(one.id)} />
        </div>
      ))}
    </div>
  )
}
