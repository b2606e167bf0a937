import { useState } from 'react'
import { count } from '../../model/format'
import { Icon } from '../../ui/Icon'
import css from './drawer.module.css'

interface JsonTreeProps {
  value: unknown
  /** How many levels are open at first. */
  open?: number
}

/** A value as a tree. What is folded is not in the page, so it may be large and deep. */
export function JsonTree({ value, open = 2 }: JsonTreeProps) {
  if (value === null || typeof value !== 'object') return <Scalar value={value} />
  return (
    <ul className={css.tree}>
      {entries(value).map(([name, inside]) => (
        <Member key={name} name={name} value={inside} open={open} />
      ))}
    </ul>
  )
}

/** So many members of one object are shown at a time. */
const page = 100

function entries(value: object): [string, unknown][] {
  return Array.isArray(value) ? value.map((one, i) => [String(i), one as unknown]) : Object.entries(value)
}

function Member({ name, value, open }: { name: string; value: unknown; open: number }) {
  const [unfolded, setUnfolded] = useState(open > 0)
  const [shown, setShown] = useState(page)
  if (value === null || typeof value !== 'object') {
    return (
      <li className={css.leaf}>
        <span className={css.key}>{name}</span> <Scalar value={value} />
      </li>
    )
  }
  const inside = entries(value)
  return (
    <li>
      <button type="button" className={css.branch} aria-expanded={unfolded} onClick={() => setUnfolded(!unfolded)}>
        <span className={unfolded ? css.unfolded : ''}>
          <Icon name="right" size={12} />
        </span>
        <span className={css.key}>{name}</span>
        <span className={css.quiet}>{Array.isArray(value) ? `[${count(inside.length)}]` : `{${count(inside.length)}}`}</span>
      </button>
      {unfolded && (
        <ul>
          {inside.slice(0, shown).map(([key, one]) => (
            <Member key={key} name={key} value={one} open={open - 1} />
          ))}
          {inside.length > shown && (
            <li>
              <button type="button" className={css.more} onClick={() => setShown(shown + page)}>
                {count(inside.length - shown)} more
              </button>
            </li>
          )}
        </ul>
      )}
    </li>
  )
}

function Scalar({ value }: { value: unknown }) {
  const kind = value === null ? 'null' : typeof value
  return <code className={css[`json-${kind}`] ?? ''}>{kind === 'string' ? `"${String(value)}"` : String(value)}</code>
}
