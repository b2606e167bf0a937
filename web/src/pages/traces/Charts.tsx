import { useEffect, useRef } from 'react'
import type { Measure } from '../../api/analysis'
import type { Window } from '../../api/xray'
import type { Counting } from '../../app/useAnalysis'
import type { Brush } from '../../model/brush'
import { count, plural } from '../../model/format'
import { Button } from '../../ui/Button'
import { TimesFields, WindowFields } from '../../ui/FromTo'
import { Segmented } from '../../ui/Segmented'
import { Failed } from '../../ui/State'
import { Histogram } from '../../ui/chart/Histogram'
import { Scatter } from '../../ui/chart/Scatter'
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
    <div className={`${css.charts} ${counting.stale ? 'stale' : ''}`}>
      <section className={css.scatter} aria-label={`${timed} over time`}>
        <header className={css.chartHead}>
          <h2>{timed} over time</h2>
          {set && (
            <span className="quiet" title={set.AllDots ? '' : 'Of each spot of the plot the slowest trace is drawn, and the slowest that failed: nothing slow or failed is left out.'}>
              {set.AllDots ? plural(set.Dots.length, 'trace') : `${count(set.Dots.length)} dots for ${count(times!.Count)} traces: of each spot the slowest and the worst`}
              {untimed > 0 && `; ${count(untimed)} without a time are not drawn`}
            </span>
          )}
          <span className="space" />
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
        {set ? <Scatter label={`${timed} over time`} window={window} dots={set.Dots} total={set.TotalCount} brush={brush} onBrush={onBrush} onOpen={onOpen} height={height} /> : <Blank counting={counting} />}
      </section>
      <section className={css.histogram} aria-label={timed}>
        <header className={css.chartHead}>
          <h2>{timed}</h2>
        </header>
        {times && times.Histogram.length > 0 ? (
          <Histogram label={timed} things="traces" sets={[{ name: '', entries: times.Histogram, percentiles: [0.5, 0.9, 0.99] }]} selection={brush.took} onSelect={(took) => onBrush({ ...brush, took })} height={height} />
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
      <WindowFields label="Time" value={brush.at ?? window} onChange={(at) => onBrush({ ...brush, at })} />
      <TimesFields label={measure === 'Duration' ? 'Duration' : 'Response time'} labelled value={brush.took} onChange={(took) => onBrush({ ...brush, took })} />
      <span className="quiet" role="status">
        {(brush.at ?? brush.took) && (total === null ? 'counting…' : plural(total, 'trace'))}
      </span>
      <span className="space" />
      <Button type="submit" look="main" isDisabled={!brush.at && !brush.took}>
        Refine to these
      </Button>
      <Button onPress={onClose}>Clear</Button>
    </form>
  )
}
