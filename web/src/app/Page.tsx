import { useEffect, type ReactNode } from 'react'
import { ScopeBar } from './ScopeBar'
import css from './Shell.module.css'

interface PageProps {
  title: string
  /** Beside the title. */
  aside?: ReactNode
  /** At the end of the head, what the page is controlled with. */
  tools?: ReactNode
  /** Whether the page is about a time and a group, or a time alone, which its head lets choose. */
  scoped?: boolean | 'time'
  /** The page scrolls by itself and fills the window. */
  fills?: boolean
  children: ReactNode
}

/** The frame of every page: its head, and what it shows. */
export function Page({ title, aside, tools, scoped = false, fills = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Tomo`
  }, [title])
  return (
    <>
      <header className={css.head}>
        <div className={css.title}>
          <h1>{title}</h1>
          {aside}
        </div>
        {tools && <div className={css.scope}>{tools}</div>}
        {scoped && <ScopeBar grouped={scoped === true} />}
      </header>
      <div className={fills ? css.fills : css.content}>{children}</div>
    </>
  )
}
