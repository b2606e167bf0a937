import { useEffect, useRef, useState, type ReactNode } from 'react'
import { Icon } from '../../ui/Icon'
import css from './trace.module.css'

interface DisclosureProps {
  /** What is on the button. */
  title: ReactNode
  /** What it opens, to be read aloud. */
  label: string
  wide?: boolean
  children: ReactNode
}

/** A button that opens a panel below itself. Escape and whatever happens elsewhere closes it. */
export function Disclosure({ title, label, wide = false, children }: DisclosureProps) {
  const [open, setOpen] = useState(false)
  const box = useRef<HTMLDivElement>(null)
  const button = useRef<HTMLButtonElement>(null)
  useEffect(() => {
    if (!open) return
    const elsewhere = (event: Event) => {
      if (event.target instanceof Node && !box.current?.contains(event.target)) setOpen(false)
    }
    document.addEventListener('pointerdown', elsewhere)
    document.addEventListener('focusin', elsewhere)
    return () => {
      document.removeEventListener('pointerdown', elsewhere)
      document.removeEventListener('focusin', elsewhere)
    }
  }, [open])
  return (
    <div
      ref={box}
      className={css.disclosure}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !open) return
        event.preventDefault()
        setOpen(false)
        button.current?.focus()
      }}
    >
      <button ref={button} type="button" className={css.viewButton} aria-expanded={open} onClick={() => setOpen(!open)}>
        {title}
        <Icon name="down" size={13} />
      </button>
      {open && (
        <div className={`${css.panel} ${wide ? css.widePanel : ''}`} role="group" aria-label={label}>
          {children}
        </div>
      )}
    </div>
  )
}
