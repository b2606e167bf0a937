import type { ReactNode } from 'react'
import { ApiError } from '../api/client'
import { Button } from './Button'
import { Icon, type IconName } from './Icon'
import css from './State.module.css'

/** What stands where nothing is: why, and what to do about it. */
export function Empty({ icon = 'search', title, children, actions }: { icon?: IconName; title: string; children?: ReactNode; actions?: ReactNode }) {
  return (
    <div className={css.state}>
      <span className={css.icon}>
        <Icon name={icon} size={28} />
      </span>
      <h2>{title}</h2>
      {children && <div className={css.text}>{children}</div>}
      {actions && <div className={css.actions}>{actions}</div>}
    </div>
  )
}

/** What stands where something will be. It shows itself only after a moment, so that quick answers do not flicker. */
export function Loading({ what = 'Loading' }: { what?: string }) {
  return (
    <div className={`${css.state} ${css.loading}`} role="status">
      <span className={css.spinner} />
      <span className={css.text}>{what}…</span>
    </div>
  )
}

/** What stands where something failed: the server's own words, and a way to try again. */
export function Failed({ what, error, retry }: { what: string; error: unknown; retry?: () => void }) {
  const details = error instanceof ApiError ? error : null
  return (
    <div className={css.state} role="alert">
      <span className={`${css.icon} ${css.bad}`}>
        <Icon name="warning" size={28} />
      </span>
      <h2>{what}</h2>
      <p className={css.text}>{error instanceof Error ? error.message : String(error)}</p>
      {details && (
        <p className={css.small}>
          {details.name}
          {details.requestId && <> · request {details.requestId}</>}
        </p>
      )}
      <div className={css.actions}>
        {retry && (
          <Button icon={<Icon name="refresh" />} onPress={retry}>
            Try again
          </Button>
        )}
        {details?.name === 'AccessDeniedException' && <a href={`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`}>Sign in as somebody else</a>}
      </div>
    </div>
  )
}

/** A line above a page that says what its numbers leave out, or that something is not as it should be. */
export function Notice({ look = 'info', children }: { look?: 'info' | 'warning'; children: ReactNode }) {
  return (
    <div className={`${css.notice} ${look === 'warning' ? css.warning : ''}`} role="status">
      <Icon name={look === 'warning' ? 'warning' : 'help'} size={15} />
      <span>{children}</span>
    </div>
  )
}
