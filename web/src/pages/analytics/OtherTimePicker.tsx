import { useState } from 'react'
import { Button as AriaButton, Dialog as AriaDialog, DialogTrigger, Popover } from 'react-aria-components'
import type { Window } from '../../api/xray'
import { clock, printSpan } from '../../model/time'
import { Button } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { otherWindow, type OtherTime } from './model'
import css from './analytics.module.css'

const choices: readonly { time: OtherTime; label: string }[] = [
  { time: { kind: 'same' }, label: 'Same time as A' },
  { time: { kind: 'earlier', seconds: null }, label: 'The time before' },
  { time: { kind: 'earlier', seconds: 3600 }, label: 'An hour before' },
  { time: { kind: 'earlier', seconds: 86_400 }, label: 'A day before' },
  { time: { kind: 'earlier', seconds: 7 * 86_400 }, label: 'A week before' },
]

/** The choice of the time of B: that of A, so much earlier, or one of its own. */
export function OtherTimePicker({ time, window, onChange }: { time: OtherTime; window: Window; onChange: (time: OtherTime) => void }) {
  const [open, setOpen] = useState(false)
  const shown = otherWindow(time, window) ?? window
  const label = labelOf(time)
  return (
    <DialogTrigger isOpen={open} onOpenChange={setOpen}>
      <AriaButton className={css.timeButton!} aria-label={`Time of B: ${label}`}>
        <Icon name="time" size={14} />
        {label}
        <Icon name="down" size={12} />
      </AriaButton>
      <Popover className={css.popover!} placement="bottom end" offset={4}>
        <AriaDialog className={css.popoverBody!} aria-label="Time of B">
          <ul>
            {choices.map((choice) => (
              <li key={choice.label}>
                <button
                  type="button"
                  className={css.option}
                  aria-pressed={JSON.stringify(choice.time) === JSON.stringify(time)}
                  onClick={() => {
                    onChange(choice.time)
                    setOpen(false)
                  }}
                >
                  {choice.label}
                </button>
              </li>
            ))}
          </ul>
          <Between
            key={open ? 'open' : 'closed'}
            {...shown}
            choose={(between) => {
              onChange(between)
              setOpen(false)
            }}
          />
        </AriaDialog>
      </Popover>
    </DialogTrigger>
  )
}

function labelOf(time: OtherTime): string {
  if (time.kind === 'between') return `${clock(time.start, time.end)} – ${clock(time.end, time.start)}`
  const known = choices.find((choice) => JSON.stringify(choice.time) === JSON.stringify(time))
  return known?.label ?? (time.kind === 'earlier' && time.seconds !== null ? `${printSpan(time.seconds)} before` : 'Same time as A')
}

function Between({ start, end, choose }: Window & { choose: (time: OtherTime) => void }) {
  const [from, setFrom] = useState(() => local(start))
  const [to, setTo] = useState(() => local(end))
  const between = { start: Date.parse(from) / 1000, end: Date.parse(to) / 1000 }
  const valid = between.start < between.end
  return (
    <form
      className={css.between}
      onSubmit={(event) => {
        event.preventDefault()
        if (valid) choose({ kind: 'between', ...between })
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
      {!valid && (
        <p role="alert" className={css.problem}>
          The end has to be after the start.
        </p>
      )}
      <Button type="submit" look="main" isDisabled={!valid}>
        Compare with this time
      </Button>
    </form>
  )
}

/** local is a moment as a field of the type datetime-local wants it. */
function local(seconds: number): string {
  const date = new Date(Math.floor(seconds) * 1000)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
