import { useState } from 'react'
import type { Seconds, Window } from '../../api/xray'
import { count, short } from '../../model/format'
import { outcomes, outcomeNames, type Figures } from '../../model/outcome'
import { linear, roundTicks } from '../../model/scale'
import { clock, timeTicks } from '../../model/time'
import { useBrush } from './useBrush'
import { useWidth } from './useSize'
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

const margin = { top: 8, right: 16, bottom: 20, left: 38 }

/** How many requests there were over time, and how they ended: stacked bars. */
export function OutcomeSeries({ label, window, step, buckets, onSelect, height = 120, things = 'request', highlight, moment = null }: OutcomeSeriesProps) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const [hovered, setHovered] = useState<Bucket | null>(null)
  const inner = Math.max(0, width - margin.left - margin.right)
  const bottom = height - margin.bottom
  const x = linear(window.start, window.end)
  const most = Math.max(1, ...buckets.map((bucket) => bucket.figures.total))
  const y = linear(0, most)
  const px = (at: Seconds) => margin.left + Math.min(1, Math.max(0, x.at(at))) * inner
  const py = (n: number) => bottom - y.at(n) * (bottom - margin.top)
  const brush = useBrush(
    onSelect &&
      ((span) => {
        if (!span) return
        onSelect({ start: Math.max(window.start, Math.floor(x.value(span.from) / step) * step), end: Math.min(window.end, Math.ceil(x.value(span.to) / step) * step) })
      }),
  )
  const total = buckets.reduce((sum, bucket) => sum + bucket.figures.total, 0)
  return (
    <div ref={ref} className={css.chart}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={`${label}: ${count(total)} ${things}s; ${outcomes.map((o) => `${outcomeNames[o]} ${count(buckets.reduce((sum, b) => sum + b.figures[o], 0))}`).join(', ')}`}>
          {highlight && <rect className={css.highlight} x={px(highlight.start)} width={Math.max(1, px(highlight.end) - px(highlight.start))} y={margin.top} height={bottom - margin.top} />}
          {highlight && <rect className={css.highlightLine} x={px(highlight.start)} width={Math.max(1, px(highlight.end) - px(highlight.start))} y={0} height={3} rx={1.5} />}
          {roundTicks(0, most, 3).filter(Number.isInteger).map((n) => (
            <g key={n}>
              <line className={css.grid} x1={margin.left} x2={width - margin.right} y1={py(n)} y2={py(n)} />
              <text className={css.tick} x={margin.left - 5} y={py(n) + 3.5} textAnchor="end">
                {short(n)}
              </text>
            </g>
          ))}
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
          {moment !== null && <line className={css.moment} x1={px(moment)} x2={px(moment)} y1={margin.top - 4} y2={bottom} />}
          {brush.draft && <rect className={css.brush} x={margin.left + brush.draft.from * inner} width={(brush.draft.to - brush.draft.from) * inner} y={margin.top} height={bottom - margin.top} />}
          <line className={css.axis} x1={margin.left} x2={width - margin.right} y1={bottom} y2={bottom} />
          {timeTicks(window, Math.max(2, inner / 80)).map((at) => (
            <text key={at} className={css.tick} x={px(at)} y={height - 5} textAnchor="middle">
              {clock(at, window.end)}
            </text>
          ))}
          <rect
            className={onSelect ? css.brushable : css.plain}
            x={margin.left}
            y={0}
            width={inner}
            height={bottom}
            {...brush.handlers}
            onPointerMove={(event) => {
              brush.handlers.onPointerMove(event)
              const box = event.currentTarget.getBoundingClientRect()
              const at = x.value((event.clientX - box.left) / box.width)
              setHovered(buckets.find((bucket) => at >= bucket.start && at < bucket.start + step) ?? null)
            }}
            onPointerLeave={() => setHovered(null)}
          />
        </svg>
      )}
      <p className={css.caption} aria-hidden="true">
        {hovered ? `${clock(hovered.start, window.end)}: ${outcomes.filter((o) => hovered.figures[o] > 0).map((o) => `${count(hovered.figures[o])} ${o}`).join(', ')}` : onSelect ? 'Drag to zoom into a time' : ''}
      </p>
    </div>
  )
}
