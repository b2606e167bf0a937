import { useEffect, useRef, useState, type FocusEvent, type KeyboardEvent } from 'react'
import type { Measure } from '../../api/analysis'
import type { Window } from '../../api/xray'
import { count, plural } from '../../model/format'
import { Button } from '../../ui/Button'
import { Segmented } from '../../ui/Segmented'
import { Failed } from '../../ui/State'
import { Histogram } from '../../ui/chart/Histogram'
import { milliseconds, Scatter } from './Scatter'
import type { Brush } from './model'
import type { Counting } from './useAnalysis'
import css from './traces.module.css'

interface ChartsProps {
  counting: Counting
  window: Window
  measure: Measure
  onMeasure: (measure: Measure) => void
  brush: Brush
  onBrush: (brush: Brush) => void
  onOpen: (id: string) => void
}

const height = 168

/** The traces by when they began and how long they took, and how often they took so long. */
export function Charts({ counting, window, measure, onMeasure, brush, onBrush, onOpen }: ChartsProps) {
  const set = counting.data?.Sets[0]
  const timed = measure === 'Duration' ? 'Duration' : 'Response time'
  const times = set && (measure === 'Duration' ? set.Duration : set.ResponseTime)
  const untimed = set && times ? set.TotalCount - times.Count : 0
  if (counting.error && !set) {
    return (
      <div className={css.charts}>
        <Failed what="The charts are not there" error={counting.error} retry={counting.go} />
      </div>
    )
  }
  return (
    <div className={`${css.charts} ${counting.stale ? css.stale : ''}`}>
      <section className={css.scatter} aria-label={`${timed} over time`}>
        <header className={css.chartHead}>
          <h2>{timed} over time</h2>
          {set && (
            <span className={css.quiet} title={set.AllDots ? '' : 'Of each spot of the plot the slowest trace is drawn, and the slowest that failed: nothing slow or failed is left out.'}>
              {set.AllDots ? plural(set.Dots.length, 'trace') : `${count(set.Dots.length)} dots for ${count(times!.Count)} traces: of each spot the slowest and the worst`}
              {untimed > 0 && `; ${count(untimed)} without a time are not drawn`}
            </span>
          )}
          <span className={css.space} />
          <Segmented
            label="Which time"
            value={measure}
            choices={[
              { value: 'Duration', label: 'Duration' },
              { value: 'ResponseTime', label: 'Response time' },
            ]}
            onChange={onMeasure}
          />
        </header>
        {set ? <Scatter label={`${timed} over time`} window={window} set={set} brush={brush} onBrush={onBrush} onOpen={onOpen} height={height} /> : <Blank counting={counting} />}
      </section>
      <section className={css.histogram} aria-label={timed}>
        <header className={css.chartHead}>
          <h2>{timed}</h2>
        </header>
        {times && times.Histogram.length > 0 ? (
          <Histogram label={timed} entries={times.Histogram} selection={brush.took} onSelect={(took) => onBrush({ ...brush, took })} height={height} />
        ) : set ? (
          <p className={css.nothing}>{set.TotalCount === 0 ? 'No traces' : 'None has ended yet'}</p>
        ) : (
          <Blank counting={counting} />
        )}
      </section>
    </div>
  )
}

function Blank({ counting }: { counting: Counting }) {
  return (
    <div className={css.blank} style={{ height: height + 24 }}>
      {counting.stopped ? <Button onPress={counting.go}>Count again</Button> : <span className={css.shimmer} />}
    </div>
  )
}

interface SelectionProps {
  brush: Brush
  window: Window
  measure: Measure
  /** Traces in the selection; null while they are counted. */
  total: number | null
  /** It was asked for by a key. */
  typed: boolean
  onBrush: (brush: Brush) => void
  /** Makes the selection part of the time and the filter. */
  onRefine: () => void
  onClose: () => void
}

/** What is selected in the charts, as numbers: exact, and for who has no pointer. */
export function Selection({ brush, window, measure, total, typed, onBrush, onRefine, onClose }: SelectionProps) {
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    if (typed) form.current?.querySelector('input')?.focus()
  }, [typed])
  return (
    <form
      ref={form}
      className={css.selection}
      aria-label="Selection"
      onSubmit={(event) => {
        event.preventDefault()
        onRefine()
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Escape') return
        event.stopPropagation()
        onClose()
      }}
    >
      <strong>Selected</strong>
      <TimeFields brush={brush} window={window} measure={measure} onBrush={onBrush} />
      <TookFields brush={brush} window={window} measure={measure} onBrush={onBrush} />
      <span className={css.quiet} role="status">
        {(brush.at ?? brush.took) && (total === null ? 'counting…' : plural(total, 'trace'))}
      </span>
      <span className={css.space} />
      <Button type="submit" look="main" isDisabled={!brush.at && !brush.took}>
        Refine to these
      </Button>
      <Button onPress={onClose}>Clear</Button>
    </form>
  )
}

interface FieldsProps {
  brush: Brush
  window: Window
  measure: Measure
  onBrush: (brush: Brush) => void
}

/** A pair of fields whose text counts when it is entered, or left. What is selected otherwise replaces it. */
function usePair(from: string, to: string) {
  const of = `${from}~${to}`
  const [draft, setDraft] = useState({ of, from, to })
  if (draft.of !== of) setDraft({ of, from, to })
  const shown = draft.of === of ? draft : { of, from, to }
  return { ...shown, changed: shown.from !== from || shown.to !== to, setFrom: (text: string) => setDraft({ ...shown, from: text }), setTo: (text: string) => setDraft({ ...shown, to: text }) }
}

function TimeFields({ brush, window, onBrush }: FieldsProps) {
  const selected = brush.at ?? window
  const pair = usePair(local(selected.start), local(selected.end))
  const at = { start: Date.parse(pair.from) / 1000, end: Date.parse(pair.to) / 1000 }
  const bad = !(at.start < at.end)
  const apply = () => {
    if (!bad && pair.changed) onBrush({ ...brush, at })
  }
  return (
    <fieldset className={css.fields} {...whenLeft(apply)}>
      <legend className="hidden-visually">Time</legend>
      <label>
        from
        <input type="datetime-local" step="0.001" value={pair.from} aria-invalid={bad} onChange={(event) => pair.setFrom(event.target.value)} />
      </label>
      <label>
        to
        <input type="datetime-local" step="0.001" value={pair.to} aria-invalid={bad} onChange={(event) => pair.setTo(event.target.value)} />
      </label>
    </fieldset>
  )
}

function TookFields({ brush, measure, onBrush }: FieldsProps) {
  const pair = usePair(brush.took ? milliseconds(brush.took.low) : '', brush.took ? milliseconds(brush.took.high) : '')
  const took = { low: Number(pair.from || '0') / 1000, high: Number(pair.to) / 1000 }
  const bad = pair.to !== '' && !(took.low >= 0 && took.high > took.low)
  const apply = () => {
    if (!pair.changed) return
    if (pair.from === '' && pair.to === '') onBrush({ ...brush, took: null })
    else if (pair.to !== '' && !bad) onBrush({ ...brush, took })
  }
  const name = measure === 'Duration' ? 'Duration' : 'Response time'
  return (
    <fieldset className={css.fields} {...whenLeft(apply)}>
      <legend className="hidden-visually">{name}</legend>
      <label>
        {name.toLowerCase()} from
        <input className={css.short} type="number" min={0} step="any" value={pair.from} placeholder="0" aria-invalid={bad} onChange={(event) => pair.setFrom(event.target.value)} />
      </label>
      <label>
        to
        <input className={css.short} type="number" min={0} step="any" value={pair.to} aria-invalid={bad} onChange={(event) => pair.setTo(event.target.value)} />
        ms
      </label>
    </fieldset>
  )
}

/** whenLeft takes what is typed with Enter, and when one goes on to other fields. */
function whenLeft(apply: () => void) {
  return {
    onBlur: (event: FocusEvent<HTMLFieldSetElement>) => {
      if (!event.currentTarget.contains(event.relatedTarget)) apply()
    },
    onKeyDown: (event: KeyboardEvent<HTMLFieldSetElement>) => {
      if (event.key !== 'Enter') return
      event.preventDefault() // the button refines
      apply()
    },
  }
}

/** local is a moment as a field of the type datetime-local wants it, to the millisecond. */
function local(seconds: number): string {
  const date = new Date(Math.round(seconds * 1000))
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 23)
}
