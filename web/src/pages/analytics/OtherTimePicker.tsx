import { useState } from 'react'
import type { Window } from '../../api/xray'
import { clock, printSpan } from '../../model/time'
import { Button } from '../../ui/Button'
import { WindowForm } from '../../ui/FromTo'
import { Icon } from '../../ui/Icon'
import { Popover } from '../../ui/Popover'
import { Presets } from '../../ui/Presets'
import { otherWindow, type OtherTime } from './model'

const choices: readonly { value: OtherTime; label: string }[] = [
  { value: { kind: 'same' }, label: 'Same time as A' },
  { value: { kind: 'earlier', seconds: null }, label: 'The time before' },
  { value: { kind: 'earlier', seconds: 3600 }, label: 'An hour before' },
  { value: { kind: 'earlier', seconds: 86_400 }, label: 'A day before' },
  { value: { kind: 'earlier', seconds: 7 * 86_400 }, label: 'A week before' },
]

/** The choice of the time of B: that of A, so much earlier, or one of its own. */
export function OtherTimePicker({ time, window, onChange }: { time: OtherTime; window: Window; onChange: (time: OtherTime) => void }) {
  const [open, setOpen] = useState(false)
  const label = labelOf(time)
  const choose = (wanted: OtherTime) => {
    onChange(wanted)
    setOpen(false)
  }
  return (
    <Popover
      label="Time of B"
      open={open}
      onOpen={setOpen}
      button={
        <Button icon={<Icon name="time" size={14} />} aria-label={`Time of B: ${label}`}>
          {label}
          <Icon name="down" size={12} />
        </Button>
      }
    >
      <Presets choices={choices} isChosen={(choice) => same(choice, time)} onChoose={choose}>
        <WindowForm key={open ? 'open' : 'closed'} {...(otherWindow(time, window) ?? window)} does="Compare with this time" onChoose={(between) => choose({ kind: 'between', ...between })} />
      </Presets>
    </Popover>
  )
}

function same(a: OtherTime, b: OtherTime): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function labelOf(time: OtherTime): string {
  if (time.kind === 'between') return `${clock(time.start, time.end)} – ${clock(time.end, time.start)}`
  return choices.find((choice) => same(choice.value, time))?.label ?? (time.kind === 'earlier' && time.seconds !== null ? `${printSpan(time.seconds)} before` : 'Same time as A')
}
