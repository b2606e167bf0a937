import { useMemo, useState } from 'react'
import type { HistogramEntry, Seconds } from '../../api/xray'
import { count, duration, percent } from '../../model/format'
import { barsOf, countBetween, countOf, percentile } from '../../model/histogram'
import { linear, log, logTicks, roundTicks } from '../../model/scale'
import { useBrush } from './useBrush'
import { useWidth } from './useSize'
import css from './chart.module.css'

export interface TimeSelection {
  low: Seconds
  high: Seconds
}

interface HistogramProps {
  label: string
  entries: readonly HistogramEntry[]
  selection?: TimeSelection | null
  /** Called with what was dragged over, widened to whole bars; null where it was only clicked. */
  onSelect?: (selection: TimeSelection | null) => void
  within?: TimeSelection | null
  height?: number
}

const margin = { top: 16, right: 16, bottom: 20, left: 38 }
const shownPercentiles = [0.5, 0.9, 0.99]

/** How long requests took: the share of them in each bar, and the percentiles as lines. */
export function Histogram({ label, entries, selection = null, onSelect, within, height = 150 }: HistogramProps) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const [hovered, setHovered] = useState<number | null>(null)
  const inner = Math.max(0, width - margin.left - margin.right)
  const { bars, scale: kind } = useMemo(() => barsOf(entries, Math.max(8, Math.floor(inner / 6)), within ?? undefined), [entries, inner, within])
  const total = countOf(entries)
  const low = bars[0]?.low ?? 0
  const high = bars.at(-1)?.high ?? 1
  const x = kind === 'log' ? log(Math.max(low, 0.001), high) : linear(low, high)
  const most = Math.max(1, ...bars.map((bar) => bar.count))
  const y = linear(0, most / Math.max(1, total))
  const bottom = height - margin.bottom
  const px = (value: number) => margin.left + x.at(value) * inner
  const py = (share: number) => bottom - y.at(share) * (bottom - margin.top)
  const brush = useBrush(
    onSelect &&
      ((span) => {
        if (!span) return onSelect(null)
        const first = bars.find((bar) => bar.high > x.value(span.from)) ?? bars[0]
        const last = bars.findLast((bar) => bar.low < x.value(span.to)) ?? bars.at(-1)
        if (first && last) onSelect({ low: first.low, high: last.high })
      }),
  )
  const chosen = brush.draft ? { low: x.value(brush.draft.from), high: x.value(brush.draft.to) } : selection
  const ticks = kind === 'log' ? logTicks(Math.max(low, 0.001), high, inner / 50) : roundTicks(low, high, inner / 60)
  const bar = hovered === null ? null : bars[hovered]
  return (
    <div ref={ref} className={css.chart}>
      {width > 0 && bars.length > 0 && (
        <svg width={width} height={height} role="img" aria-label={`${label}: ${describe(entries)}`}>
          {roundTicks(0, most / total, 3).map((share) => (
            <g key={share}>
              <line className={css.grid} x1={margin.left} x2={width - margin.right} y1={py(share)} y2={py(share)} />
              <text className={css.tick} x={margin.left - 5} y={py(share) + 3.5} textAnchor="end">
                {percent(share)}
              </text>
            </g>
          ))}
          {bars.map((one, i) => {
            const left = px(one.low)
            const inside = !chosen || (one.high > chosen.low && one.low < chosen.high)
            return one.count === 0 ? null : (
              <rect key={one.low} className={`${css.bar} ${inside ? '' : css.outside} ${hovered === i ? css.hovered : ''}`} x={left} width={Math.max(1.5, px(one.high) - left - 1)} y={Math.min(py(one.count / total), bottom - 1.5)} height={Math.max(1.5, bottom - py(one.count / total))} />
            )
          })}
          {shownPercentiles.map((share, i) => {
            const value = percentile(entries, share)
            if (value === null || value < low || value > high) return null
            const next = percentile(entries, shownPercentiles[i + 1] ?? 1)
            const crowded = i + 1 < shownPercentiles.length && next !== null && next <= high && px(next) - px(value) < 26
            return (
              <g key={share}>
                <line className={css.percentile} x1={px(value)} x2={px(value)} y1={margin.top - 3} y2={bottom} />
                <text className={css.tick} x={px(value)} y={margin.top - 6} textAnchor={px(value) > width - 40 || (crowded && px(value) > margin.left + 20) ? 'end' : 'start'}>
                  {crowded && px(value) <= margin.left + 20 ? '' : `p${share * 100}`}
                </text>
              </g>
            )
          })}
          {chosen && <rect className={css.brush} x={px(Math.max(chosen.low, low))} width={Math.max(1, px(Math.min(chosen.high, high)) - px(Math.max(chosen.low, low)))} y={margin.top} height={bottom - margin.top} />}
          <line className={css.axis} x1={margin.left} x2={width - margin.right} y1={bottom} y2={bottom} />
          {ticks.map((value) => (
            <text key={value} className={css.tick} x={px(value)} y={height - 5} textAnchor="middle">
              {duration(value)}
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
              const value = x.value((event.clientX - box.left) / box.width)
              const at = bars.findIndex((one) => value >= one.low && value < one.high)
              setHovered(at < 0 ? null : at)
            }}
            onPointerLeave={() => setHovered(null)}
          />
        </svg>
      )}
      <p className={css.caption} aria-hidden="true">
        {bar ? `${duration(bar.low)} – ${duration(bar.high)}: ${count(bar.count)}, ${percent(bar.count / total)}` : chosen ? `${duration(chosen.low)} – ${duration(chosen.high)}: ${count(countBetween(entries, chosen.low, chosen.high))} of ${count(total)}` : onSelect ? 'Drag to choose a range' : ''}
      </p>
    </div>
  )
}

function describe(entries: readonly HistogramEntry[]): string {
  const values = shownPercentiles.map((share) => `p${share * 100} ${duration(percentile(entries, share))}`)
  return `${count(countOf(entries))} requests, ${values.join(', ')}`
}
