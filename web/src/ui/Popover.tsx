import type { ReactNode } from 'react'
import { DialogTrigger, Popover as AriaPopover } from 'react-aria-components'
import css from './Popover.module.css'

interface PopoverProps {
  /** What it is; read aloud. */
  label: string
  /** The button that opens it. */
  button: ReactNode
  /** Whether it is open, for who opens and closes it by other ways too. */
  open?: boolean
  onOpen?: (open: boolean) => void
  /** How it is laid out within. */
  className?: string | undefined
  children: ReactNode
}

/** A button, and what opens beside it. Escape and whatever happens elsewhere closes it. */
export function Popover({ label, button, open, onOpen, className = '', children }: PopoverProps) {
  return (
    <DialogTrigger {...(open === undefined ? {} : { isOpen: open })} {...(onOpen ? { onOpenChange: onOpen } : {})}>
      {button}
      {/* It is a dialog itself: one within would leave a frame around that belongs to nothing. It has a name of its own, not that of its button. */}
      <AriaPopover aria-label={label} aria-labelledby="" className={`${css.popover} ${className}`} placement="bottom end" offset={4}>
        {children}
      </AriaPopover>
    </DialogTrigger>
  )
}
