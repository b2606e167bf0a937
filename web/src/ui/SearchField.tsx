import { forwardRef } from 'react'
import { Icon } from './Icon'
import css from './SearchField.module.css'

interface SearchFieldProps {
  label: string
  value: string
  onChange: (value: string) => void
  onEnter?: () => void
  placeholder?: string
}

/** A field that narrows what is seen while it is typed in. */
export const SearchField = forwardRef<HTMLInputElement, SearchFieldProps>(function SearchField({ label, value, onChange, onEnter, placeholder }, ref) {
  return (
    <span className={css.field}>
      <Icon name="search" size={15} />
      <input
        ref={ref}
        type="search"
        aria-label={label}
        value={value}
        placeholder={placeholder ?? label}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onEnter?.()
          if (event.key === 'Escape') {
            if (value === '') event.currentTarget.blur()
            onChange('')
          }
        }}
      />
    </span>
  )
})
