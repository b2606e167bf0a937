import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Icon } from '../../ui/Icon'
import css from './map.module.css'

/** To the traces that an expression matches, in the same time and group. */
export function TracesLink({ filter, children }: { filter: string; children: ReactNode }) {
  return (
    <Link to="/traces" search={{ filter }} className={css.mainLink}>
      <Icon name="traces" />
      {children}
    </Link>
  )
}
