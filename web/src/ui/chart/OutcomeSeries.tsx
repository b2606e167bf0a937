import { useState } from 'react'
import type { Seconds, Window } from '../../api/xray'
import { count, short } from '../../model/format'
import { outcomes, outcomeNames, type Figures } from '../../model/outcome'
import { linear, roundTicks } from '../../model/scale'
import { clock } from '../../model/time'
import { Chart, Highlight, timeAxis, Upright, useRoom } from './Chart'
import css from './chart.module.css'

/** The requests from `start` on, for as long as the chart's step. */
export interface Bucket {
  start: Seconds
  figures: Figures
}

interface OutcomeSeriesProps {
  label: string
  window: Window
  /** seconds of a bucket */
  step: number
  buckets: readonly Bucket[]
  /** Called with the part of the window that was dragged over, in whole buckets. */
  onSelect?: (window: Window) => void
  height?: number
  /** A part of the window that stands out. */
  highlight?: Window
  /** A moment to mark. */
  moment?: Seconds | null
  /** What is counted. */
  things?: 'request' | 'trace'
}

/** How many requests there were over time, and how they ended: stacked bars. */
export function OutcomeSeries({ label, window, step, buckets, onSelect, height = 120, things = 'request', highlight, moment = null }: OutcomeSeriesProps) {
  const [hovered, setHovered] = useState<Bucket | null>(null)
  const room = useRoom(height)
  const most = Math.max(1, ...buckets.map((bucket) => bucket.figures.total))
  const sum = (of: keyof Figures) => count(buckets.reduce((all, bucket) => all + bucket.figures[of], 0))
  return (
    <Chart
      room={room}
      label={`${label}: ${sum('total')} ${things}s; ${outcomes.map((outcome) => `${outcomeNames[outcome]} ${sum(outcome)}`).join(', ')}`}
      x={timeAxis(window, room)}
      y={{ scale: linear(0, most), ticks: roundTicks(0, most, 3).filter(Number.isInteger), write: short }}
      onSelect={onSelect && ((span) => span && onSelect({ start: Math.max(window.start, Math.floor(span.low / step) * step), end: Math.min(window.end, Math.ceil(span.high / step) * step) }))}
      onPoint={(at) => setHovered((at !== null && buckets.find((bucket) => at >= bucket.start && at < bucket.start + step)) || null)}
      caption={() => (hovered ? `${clock(hovered.start, window.end)}: ${outcomes.filter((outcome) => hovered.figures[outcome] > 0).map((outcome) => `${count(hovered.figures[outcome])} ${outcome}`).join(', ')}` : onSelect ? 'Drag to zoom into a time' : '')}
    >
      {({ px, py }) => (
        <>
          {highlight && <Highlight window={highlight} room={room} px={px} />}
          {buckets.map((bucket) => {
            const left = px(bucket.start)
            const wide = Math.max(1.5, px(bucket.start + step) - left - 1)
            let base = 0
            return (
              <g key={bucket.start} className={hovered === bucket ? css.hovered : undefined}>
                {outcomes.map((outcome) => {
                  const n = bucket.figures[outcome]
                  if (n === 0) return null
                  const top = py(base + n)
                  const rect = <rect key={outcome} className={css[outcome]} x={left} width={wide} y={top} height={Math.max(1, py(base) - top)} />
                  base += n
                  return rect
                })}
              </g>
            )
          })}
          {moment !== null && <Upright at={moment} room={room} px={px} look="moment" />}
        </>
      )}
    </Chart>
  )
}
