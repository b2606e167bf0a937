import { useId, type ReactNode, type Ref } from 'react'
import css from './Field.module.css'

interface FrameProps {
  label: string
  /** Below the field, for who wants to know more. */
  hint?: ReactNode
  /** What is wrong with the value; takes the place of the hint. */
  problem?: string | undefined
  /** Of the control, so that the label belongs to it. */
  id?: string
  children: ReactNode
}

/** A control with its label above it, and below it a hint or what is wrong. */
export function Frame({ label, hint, problem, id, children }: FrameProps) {
  return (
    <div className={css.frame} {...(id ? {} : { role: 'group', 'aria-label': label })}>
      {id ? (
        <label className={css.label} htmlFor={id}>
          {label}
        </label>
      ) : (
        <span className={css.label}>{label}</span>
      )}
      {children}
      {problem ? (
        <span className={css.problem} id={id && `${id}-note`} role="alert">
          {problem}
        </span>
      ) : (
        hint && (
          <span className={css.hint} id={id && `${id}-note`}>
            {hint}
          </span>
        )
      )}
    </div>
  )
}

interface TextFieldProps extends Omit<FrameProps, 'children' | 'id'> {
  value: string
  onChange: (value: string) => void
  placeholder?: string
  /** Stands behind the value, such as a unit. */
  unit?: string
  mono?: boolean
  disabled?: boolean
  autoFocus?: boolean
  inputMode?: 'text' | 'numeric' | 'decimal'
  /** Values to choose from; others may be typed. */
  known?: readonly string[]
  /** More than one line. */
  rows?: number
  handle?: Ref<HTMLInputElement>
}

export function TextField({ label, hint, problem, value, onChange, placeholder, unit, mono = false, disabled = false, autoFocus = false, inputMode, known, rows, handle }: TextFieldProps) {
  const id = useId()
  const shared = {
    id,
    value,
    placeholder,
    disabled,
    autoFocus,
    spellCheck: false,
    autoComplete: 'off',
    'aria-invalid': problem ? true : undefined,
    'aria-describedby': problem || hint ? `${id}-note` : undefined,
    className: `${css.input} ${mono ? css.mono : ''} ${problem ? css.invalid : ''}`,
  }
  return (
    <Frame label={label} hint={hint} problem={problem} id={id}>
      {rows ? (
        <textarea {...shared} rows={rows} onChange={(event) => onChange(event.target.value)} />
      ) : (
        <span className={css.row}>
          <input {...shared} ref={handle} type="text" inputMode={inputMode} list={known ? `${id}-known` : undefined} onChange={(event) => onChange(event.target.value)} />
          {unit && <span className={css.unit}>{unit}</span>}
        </span>
      )}
      {known && (
        <datalist id={`${id}-known`}>
          {known.map((one) => (
            <option key={one} value={one} />
          ))}
        </datalist>
      )}
    </Frame>
  )
}

interface SwitchProps {
  label: string
  hint?: ReactNode
  checked: boolean
  onChange: (checked: boolean) => void
  disabled?: boolean
}

/** Something that is on or off. */
export function Switch({ label, hint, checked, onChange, disabled = false }: SwitchProps) {
  const id = useId()
  return (
    <div className={css.switch}>
      <input id={id} type="checkbox" role="switch" checked={checked} disabled={disabled} aria-describedby={hint ? `${id}-note` : undefined} onChange={(event) => onChange(event.target.checked)} />
      <span>
        <label htmlFor={id}>{label}</label>
        {hint && (
          <span className={css.hint} id={`${id}-note`}>
            {hint}
          </span>
        )}
      </span>
    </div>
  )
}
