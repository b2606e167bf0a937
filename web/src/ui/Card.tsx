import { useId, type ReactNode } from 'react'
import css from './Card.module.css'

interface CardProps {
  title: string
  /** Beside the title, at its end. */
  aside?: ReactNode
  /** Under the title, what it is about. */
  about?: ReactNode
  /** What is within touches the edges, as a table does. */
  flush?: boolean
  children: ReactNode
}

/** A part of a page, with a heading. */
export function Card({ title, aside, about, flush = false, children }: CardProps) {
  const id = useId()
  return (
    <div className={css.card} role="group" aria-labelledby={id}>
      <header className={css.head}>
        <h2 id={id}>{title}</h2>
        {aside && <div className={css.aside}>{aside}</div>}
      </header>
      {about && <div className={css.about}>{about}</div>}
      <div className={flush ? css.flush : css.body}>{children}</div>
    </div>
  )
}

interface BlockProps {
  title: string
  /** Beside the title, at its end. */
  aside?: ReactNode
  className?: string | undefined
  children: ReactNode
}

/** A part of a page of figures and charts: closer than a card, and a landmark. */
export function Block({ title, aside, className = '', children }: BlockProps) {
  const id = useId()
  return (
    <section className={`${css.block} ${className}`} aria-labelledby={id}>
      <header className={css.blockHead}>
        <h2 id={id}>{title}</h2>
        {typeof aside === 'string' ? <span className="note">{aside}</span> : aside}
      </header>
      {children}
    </section>
  )
}

/** A figure with its name. */
export function Tile({ name, value, note, look }: { name: string; value: ReactNode; note?: ReactNode; look?: 'warning' | undefined }) {
  return (
    <div className={`${css.tile} ${look === 'warning' ? css.warning : ''}`}>
      <dt>{name}</dt>
      <dd>
        {value}
        {note && <span>{note}</span>}
      </dd>
    </div>
  )
}

/** Figures side by side; within a panel they are small. */
export function Tiles({ small = false, children }: { small?: boolean; children: ReactNode }) {
  return <dl className={`${css.tiles} ${small ? css.small : ''}`}>{children}</dl>
}

/** A word about something, in a frame. */
export function Badge({ children, look = 'plain' }: { children: ReactNode; look?: 'plain' | 'accent' | 'good' | 'warning' | 'bad' }) {
  return <span className={`${css.badge} ${css[look]}`}>{children}</span>
}

/** Names with what they have for a value, in two columns. */
export function Facts({ children }: { children: ReactNode }) {
  return <dl className={css.facts}>{children}</dl>
}
