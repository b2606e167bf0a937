import { useState, type FocusEvent, type KeyboardEvent } from 'react'
import type { Window } from '../api/xray'
import type { TimeRange } from '../model/filter'
import { milliseconds } from '../model/format'
import { localText, windowFrom } from '../model/time'
import { Button } from './Button'
import css from './FromTo.module.css'

interface FromToProps {
  /** What it is of; read aloud, or seen in front. */
  label: string
  labelled?: boolean
  from: string
  to: string
  isWrong: (from: string, to: string) => boolean
  onEnter: (from: string, to: string) => void
  times?: boolean
}

/** Two ends to type, which count when they are entered, or left. What is chosen otherwise takes their place. */
function FromTo({ label, labelled = false, from, to, isWrong, onEnter, times = false }: FromToProps) {
  const of = `${from}~${to}`
  const [draft, setDraft] = useState({ of, from, to })
  if (draft.of !== of) setDraft({ of, from, to })
  const shown = draft.of === of ? draft : { of, from, to }
  const wrong = isWrong(shown.from, shown.to)
  const enter = () => {
    if (!wrong && (shown.from !== from || shown.to !== to)) onEnter(shown.from, shown.to)
  }
  const field = times ? ({ className: css.short!, type: 'number', min: 0, step: 'any' } as const) : ({ type: 'datetime-local', step: '0.001' } as const)
  return (
    <fieldset
      className={css.ends}
      onBlur={(event: FocusEvent<HTMLFieldSetElement>) => {
        if (!event.currentTarget.contains(event.relatedTarget)) enter()
      }}
      onKeyDown={(event: KeyboardEvent<HTMLFieldSetElement>) => {
        if (event.key !== 'Enter') return
        event.preventDefault() // a form around does something else
        enter()
      }}
    >
      <legend className="hidden-visually">{label}</legend>
      <label>
        {labelled && `${label.toLowerCase()} `}from
        <input {...field} value={shown.from} placeholder={times ? '0' : undefined} aria-invalid={wrong} onChange={(event) => setDraft({ ...shown, from: event.target.value })} />
      </label>
      <label>
        to
        <input {...field} value={shown.to} aria-invalid={wrong} onChange={(event) => setDraft({ ...shown, to: event.target.value })} />
        {times && 'ms'}
      </label>
    </fieldset>
  )
}

/** A range of times that requests take, in milliseconds: exact, and for who has no pointer. */
export function TimesFields({ label, labelled = false, value, onChange }: { label: string; labelled?: boolean; value: TimeRange | null; onChange: (value: TimeRange | null) => void }) {
  const read = (from: string, to: string) => ({ low: Number(from || '0') / 1000, high: Number(to) / 1000 })
  return (
    <FromTo
      label={label}
      labelled={labelled}
      times
      from={value ? milliseconds(value.low) : ''}
      to={value ? milliseconds(value.high) : ''}
      isWrong={(from, to) => to !== '' && !(read(from, to).low >= 0 && read(from, to).high > read(from, to).low)}
      onEnter={(from, to) => {
        if (to !== '') onChange(read(from, to))
        else if (from === '') onChange(null)
      }}
    />
  )
}

/** A time from–to, to the millisecond. */
export function WindowFields({ label, value, onChange }: { label: string; value: Window; onChange: (value: Window) => void }) {
  return (
    <FromTo
      label={label}
      from={localText(value.start, 'millisecond')}
      to={localText(value.end, 'millisecond')}
      isWrong={(from, to) => windowFrom(from, to) === null}
      onEnter={(from, to) => onChange(windowFrom(from, to)!)}
    />
  )
}

/** A form for a time from–to, to the second, with what it does on its button. */
export function WindowForm({ start, end, does, onChoose }: Window & { does: string; onChoose: (window: Window) => void }) {
  const [from, setFrom] = useState(() => localText(start, 'second'))
  const [to, setTo] = useState(() => localText(end, 'second'))
  const window = windowFrom(from, to)
  const problem = from === '' || to === '' ? 'Both ends are needed.' : window === null ? 'The end has to be after the start.' : null
  return (
    <form
      className={css.form}
      onSubmit={(event) => {
        event.preventDefault()
        if (window) onChoose(window)
      }}
    >
      <h3>From and to</h3>
      <label>
        From
        <input type="datetime-local" step="1" value={from} onChange={(event) => setFrom(event.target.value)} />
      </label>
      <label>
        To
        <input type="datetime-local" step="1" value={to} onChange={(event) => setTo(event.target.value)} />
      </label>
      {problem && (
        <p role="alert" className={css.problem}>
          {problem}
        </p>
      )}
      <Button type="submit" look="main" isDisabled={window === null}>
        {does}
      </Button>
      <p className={css.zone}>In your zone, {Intl.DateTimeFormat().resolvedOptions().timeZone}</p>
    </form>
  )
}
