import type { ReactNode } from 'react'
import { Button as AriaButton, type ButtonProps as AriaProps } from 'react-aria-components'
import { Hint } from './Hint'
import css from './Button.module.css'

interface ButtonProps extends Omit<AriaProps, 'className' | 'style' | 'children'> {
  /** What the button is for, in looks: the one thing to do here, one of several, or a quiet one. */
  look?: 'main' | 'plain' | 'quiet' | 'danger'
  icon?: ReactNode
  children?: ReactNode
}

export function Button({ look = 'plain', icon, children, ...rest }: ButtonProps) {
  return (
    <AriaButton {...rest} className={`${css.button} ${css[look]}`}>
      {icon}
      {children}
    </AriaButton>
  )
}

/** linkLook makes a link look like a button. */
export function linkLook(look: 'main' | 'plain', size: 'tall' | 'usual' = 'usual'): string {
  return `${css.button} ${css[look]} ${css.link} ${size === 'tall' ? css.tall : ''}`
}

interface IconButtonProps extends Omit<AriaProps, 'className' | 'style' | 'children' | 'aria-label'> {
  /** What it does; read aloud, and shown to who rests on it. */
  label: string
  /** The key that does the same. */
  shortcut?: string
  icon: ReactNode
  look?: 'plain' | 'quiet'
}

/** A button that shows only an icon. */
export function IconButton({ label, shortcut, icon, look = 'quiet', ...rest }: IconButtonProps) {
  return (
    <Hint text={label} {...(shortcut ? { shortcut } : {})}>
      <AriaButton {...rest} aria-label={label} className={`${css.button} ${css[look]} ${css.icon}`}>
        {icon}
      </AriaButton>
    </Hint>
  )
}
