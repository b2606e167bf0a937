import type { ReactNode } from 'react'
import css from './Presets.module.css'

interface PresetsProps<Value> {
  choices: readonly { value: Value; label: string }[]
  isChosen: (value: Value) => boolean
  onChoose: (value: Value) => void
  /** Forms for what is none of these. */
  children: ReactNode
}

/** What is often chosen, and beside it how to choose something else. */
export function Presets<Value>({ choices, isChosen, onChoose, children }: PresetsProps<Value>) {
  return (
    <div className={css.presets}>
      <ul className={css.list}>
        {choices.map(({ value, label }) => (
          <li key={label}>
            <button type="button" className={css.preset} aria-pressed={isChosen(value)} onClick={() => onChoose(value)}>
              {label}
            </button>
          </li>
        ))}
      </ul>
      <div className={css.forms}>{children}</div>
    </div>
  )
}
