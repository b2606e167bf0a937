import type { ReactNode } from 'react'
import { Button, Label, ListBox, ListBoxItem, Popover, Select as AriaSelect, SelectValue } from 'react-aria-components'
import { Icon } from './Icon'
import css from './Select.module.css'

export interface Choice<Value extends string> {
  value: Value
  label: string
  /** A second line. */
  note?: string
}

interface SelectProps<Value extends string> {
  label: string
  /** Stands for the label; without it the label is read aloud only. */
  icon?: ReactNode
  /** The label is seen, in front of the value. */
  labelled?: boolean
  value: Value
  choices: readonly Choice<Value>[]
  onChange: (value: Value) => void
}

/** One of several, from a list that opens. */
export function Select<Value extends string>({ label, icon, labelled = false, value, choices, onChange }: SelectProps<Value>) {
  return (
    <AriaSelect {...(labelled ? {} : { 'aria-label': label })} value={value} onChange={(key) => key !== null && onChange(String(key) as Value)} className={css.select!}>
      {labelled && <Label className={css.label!}>{label}</Label>}
      <Button className={css.button!}>
        {icon}
        <SelectValue className={css.value!}>{({ defaultChildren, selectedText }) => selectedText || defaultChildren}</SelectValue>
        <Icon name="down" size={14} />
      </Button>
      <Popover className={css.popover!} offset={4}>
        <ListBox className={css.list!}>
          {choices.map((choice) => (
            <ListBoxItem key={choice.value} id={choice.value} textValue={choice.label} className={css.item!}>
              {({ isSelected }) => (
                <>
                  <span className={css.check}>{isSelected && <Icon name="check" size={14} />}</span>
                  <span>
                    {choice.label}
                    {choice.note && <span className={css.note}>{choice.note}</span>}
                  </span>
                </>
              )}
            </ListBoxItem>
          ))}
        </ListBox>
      </Popover>
    </AriaSelect>
  )
}
