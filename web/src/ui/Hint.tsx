import type { ReactNode } from 'react'
import { Tooltip, TooltipTrigger } from 'react-aria-components'
import css from './Hint.module.css'

/** Hint shows a text to who rests or focuses on a control. */
export function Hint({ text, shortcut, children }: { text: string; shortcut?: string; children: ReactNode }) {
  return (
    <TooltipTrigger delay={500} closeDelay={0}>
      {children}
      <Tooltip offset={6} className={css.hint!}>
        {text}
        {shortcut && <kbd className={css.key}>{shortcut}</kbd>}
      </Tooltip>
    </TooltipTrigger>
  )
}
