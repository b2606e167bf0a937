import { useMemo, useState } from 'react'
import type { AnalysisTimes } from '../../api/analysis'
import { count, duration, percent } from '../../model/format'
import { countBetween } from '../../model/histogram'
import { linear, log, logTicks, roundTicks } from '../../model/scale'
import type { TimeSelection } from '../../ui/chart/Histogram'
import { useBrush } from '../../ui/chart/useBrush'
import { useWidth } from '../../ui/chart/useSize'
import { pairedBars, shareOf } from './model'
import css from './analytics.module.css'

interface PairedHistogramProps {
  label: string
  a: AnalysisTimes
  b: AnalysisTimes
  selection: TimeSelection | null
  onSelect: (selection: TimeSelection | null) => void
  height?: number
}

const margin = { top: 18, right: 12, bottom: 20, left: 38 }

/** How long the traces of both sets took: the share of each set in each bar. A is filled, B is a line, so that nobody depends on colours. */
export function PairedHistogram({ label, a, b, selection, onSelect, height = 236 }: PairedHistogramProps) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const [hovered, setHovered] = useState<number | null>(null)
  const inner = Math.max(0, width - margin.left - margin.right)
  const { bars, scale: kind } = useMemo(() => pairedBars(a.Histogram, b.Histogram, Math.max(8, Math.floor(inner / 7))), [a, b, inner])
  const low = bars[0]?.low ?? 0
  const high = bars.at(-1)?.high ?? 1
  const x = kind === 'log' ? log(Math.max(low, 0.001), high) : linear(low, high)
  const most = Math.max(0.0001, ...bars.map((bar) => Math.max(shareOf(bar.a, a.Count), shareOf(bar.b, b.Count))))
  const y = linear(0, most)
  const bottom = height - margin.bottom
  const px = (value: number) => margin.left + x.at(value) * inner
  const py = (share: number) => bottom - y.at(share) * (bottom - margin.top)
  const brush = useBrush((span) => {
    if (!span) return onSelect(null)
    const first = bars.find((bar) => bar.high > x.value(span.from)) ?? bars[0]
    const last = bars.findLast((bar) => bar.low < x.value(span.to)) ?? bars.at(-1)
    if (first && last) onSelect({ low: first.low, high: last.high })
  })
  const chosen = brush.draft ? { low: x.value(brush.draft.from), high: x.value(brush.draft.to) } : selection
  const ticks = kind === 'log' ? logTicks(Math.max(low, 0.001), high, inner / 50) : roundTicks(low, high, inner / 60)
  const bar = hovered === null ? null : bars[hovered]
  const outline = bars.map((one) => `L${px(one.low).toFixed(1)} ${py(shareOf(one.b, b.Count)).toFixed(1)}H${px(one.high).toFixed(1)}`).join('')
  return (
    <div ref={ref} className={css.chart}>
      {width > 0 && bars.length > 0 && (
        <svg width={width} height={height} role="img" aria-label={`${label}. A: ${describe(a)}. B: ${describe(b)}`}>
          {roundTicks(0, most, 3).map((share) => (
            <g key={share}>
              <line className={css.grid} x1={margin.left} x2={width - margin.right} y1={py(share)} y2={py(share)} />
              <text className={css.tick} x={margin.left - 5} y={py(share) + 3.5} textAnchor="end">
                {percent(share)}
              </text>
            </g>
          ))}
          {bars.map((one, i) => {
            const inside = !chosen || (one.high > chosen.low && one.low < chosen.high)
            const share = shareOf(one.a, a.Count)
            return one.a === 0 ? null : <rect key={one.low} className={`${css.barA} ${inside ? '' : css.outside} ${hovered === i ? css.hovered : ''}`} x={px(one.low)} width={Math.max(1.5, px(one.high) - px(one.low) - 1)} y={Math.min(py(share), bottom - 1.5)} height={Math.max(1.5, bottom - py(share))} />
          })}
          {b.Count > 0 && (
            <>
              <path className={css.areaB} d={`M${px(low)} ${bottom}${outline}V${bottom}z`} />
              <path className={css.lineB} d={`M${px(low)} ${bottom}${outline}V${bottom}`} />
            </>
          )}
          {(
            [
              ['A', a, css.tickA],
              ['B', b, css.tickB],
            ] as const
          ).map(([name, times, look], i) => {
            const value = times.P95
            if (value === null || value < low || value > high) return null
            const end = px(value) > width - 60
            return (
              <g key={name} className={look}>
                <line x1={px(value)} x2={px(value)} y1={margin.top - 8 + i * 8} y2={bottom} />
                <text x={px(value) + (end ? -4 : 4)} y={margin.top - 7 + i * 11} textAnchor={end ? 'end' : 'start'}>
                  p95 {name}
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
            className={css.brushable}
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
        {bar
          ? `${duration(bar.low)} – ${duration(bar.high)}: A ${count(bar.a)}, ${percent(shareOf(bar.a, a.Count))}; B ${count(bar.b)}, ${percent(shareOf(bar.b, b.Count))}`
          : chosen
            ? `A ${count(countBetween(a.Histogram, chosen.low, chosen.high))} of ${count(a.Count)}; B ${count(countBetween(b.Histogram, chosen.low, chosen.high))} of ${count(b.Count)}`
            : 'Drag to choose a range'}
      </p>
    </div>
  )
}

function describe(times: AnalysisTimes): string {
  return times.Count === 0 ? 'no traces' : `${count(times.Count)} traces, p50 ${duration(times.P50)}, p90 ${duration(times.P90)}, p99 ${duration(times.P99)}`
}
