import { useState } from 'react'
import { labelOf, parseSpan, presets, type Range } from '../model/time'
import { Button } from '../ui/Button'
import { WindowForm } from '../ui/FromTo'
import { Icon } from '../ui/Icon'
import { Popover } from '../ui/Popover'
import { Presets } from '../ui/Presets'
import { useScope } from './scope'
import css from './Shell.module.css'

/** The choice of a time: the last so long, or from here to there. */
export function RangePicker() {
  const { range, window, setRange } = useScope()
  const [open, setOpen] = useState(false)
  const choose = (wanted: Range) => {
    setRange(wanted)
    setOpen(false)
  }
  return (
    <Popover
      label="Time"
      open={open}
      onOpen={setOpen}
      button={
        <Button icon={<Icon name="time" size={15} />} aria-label={`Time: ${labelOf(range)}`}>
          {labelOf(range)}
          <Icon name="down" size={14} />
        </Button>
      }
    >
      <Presets
        choices={presets.map(({ seconds, label }) => ({ value: seconds, label: `Last ${label}` }))}
        isChosen={(seconds) => range.kind === 'last' && range.seconds === seconds}
        onChoose={(seconds) => choose({ kind: 'last', seconds })}
      >
        <WindowForm key={open ? 'open' : 'closed'} {...window} does="Show this time" onChoose={(between) => choose({ kind: 'between', ...between })} />
        <LastForm choose={choose} />
      </Presets>
    </Popover>
  )
}

function LastForm({ choose }: { choose: (range: Range) => void }) {
  const [span, setSpan] = useState('')
  const seconds = parseSpan(span.trim())
  return (
    <form
      className={css.last}
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
  )
}
