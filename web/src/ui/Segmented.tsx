import { ToggleButton, ToggleButtonGroup } from 'react-aria-components'
import type { Choice } from './Select'
import css from './Segmented.module.css'

interface SegmentedProps<Value extends string> {
  label: string
  value: Value
  choices: readonly Choice<Value>[]
  onChange: (value: Value) => void
}

/** One of a few that are all seen. */
export function Segmented<Value extends string>({ label, value, choices, onChange }: SegmentedProps<Value>) {
  return (
    <ToggleButtonGroup
      aria-label={label}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[value]}
      onSelectionChange={(keys) => {
        const [first] = keys
        if (first !== undefined) onChange(String(first) as Value)
      }}
      className={css.group!}
    >
      {choices.map((choice) => (
        <ToggleButton key={choice.value} id={choice.value} className={css.button!}>
          {choice.label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  )
}
