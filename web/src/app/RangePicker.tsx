import { useState } from 'react'
import { Dialog as AriaDialog, DialogTrigger, Button as AriaButton, Popover } from 'react-aria-components'
import { labelOf, parseSpan, presets, type Range } from '../model/time'
import { Button } from '../ui/Button'
import { Icon } from '../ui/Icon'
import { useScope } from './scope'
import css from './RangePicker.module.css'

/** The choice of a time: the last so long, or from here to there. */
export function RangePicker() {
  const { range, window, setRange } = useScope()
  const [open, setOpen] = useState(false)
  const choose = (wanted: Range) => {
    setRange(wanted)
    setOpen(false)
  }
  return (
    <DialogTrigger isOpen={open} onOpenChange={setOpen}>
      <AriaButton className={css.button!} aria-label={`Time: ${labelOf(range)}`}>
        <Icon name="time" size={15} />
        {labelOf(range)}
        <Icon name="down" size={14} />
      </AriaButton>
      <Popover className={css.popover!} placement="bottom end" offset={4}>
        <AriaDialog className={css.dialog!} aria-label="Time">
          <ul className={css.presets}>
            {presets.map((preset) => (
              <li key={preset.seconds}>
                <button type="button" className={css.preset} aria-pressed={range.kind === 'last' && range.seconds === preset.seconds} onClick={() => choose({ kind: 'last', seconds: preset.seconds })}>
                  Last {preset.label}
                </button>
              </li>
            ))}
          </ul>
          <Absolute key={open ? 'open' : 'closed'} start={window.start} end={window.end} choose={choose} />
        </AriaDialog>
      </Popover>
    </DialogTrigger>
  )
}

function Absolute({ start, end, choose }: { start: number; end: number; choose: (range: Range) => void }) {
  const [from, setFrom] = useState(() => local(start))
  const [to, setTo] = useState(() => local(end))
  const [span, setSpan] = useState('')
  const between = { start: Date.parse(from) / 1000, end: Date.parse(to) / 1000 }
  const problem = Number.isNaN(between.start) || Number.isNaN(between.end) ? 'Both ends are needed.' : between.start >= between.end ? 'The end has to be after the start.' : null
  const seconds = parseSpan(span.trim())
  return (
    <div className={css.forms}>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault()
          if (!problem) choose({ kind: 'between', ...between })
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
        <Button type="submit" look="main" isDisabled={problem !== null}>
          Show this time
        </Button>
        <p className={css.zone}>In your zone, {Intl.DateTimeFormat().resolvedOptions().timeZone}</p>
      </form>
      <form
        className={css.form}
        onSubmit={(event) => {
          event.preventDefault()
          if (seconds !== null) choose({ kind: 'last', seconds })
        }}
      >
        <label>
          The last
          <input type="text" placeholder="45m, 8h or 14d" value={span} onChange={(event) => setSpan(event.target.value)} aria-invalid={span !== '' && seconds === null} />
        </label>
      </form>
    </div>
  )
}

/** local is a moment as a field of the type datetime-local wants it. */
function local(seconds: number): string {
  const date = new Date(Math.floor(seconds) * 1000)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
