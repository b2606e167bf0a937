import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { linkLook } from '../../ui/Button'
import { Icon } from '../../ui/Icon'

/** To the traces that an expression matches, in the same time and group. */
export function TracesLink({ filter, children }: { filter: string; children: ReactNode }) {
  return (
    <Link to="/traces" search={{ filter }} className={linkLook('main', 'tall')}>
      <Icon name="traces" />
      {children}
    </Link>
  )
}
