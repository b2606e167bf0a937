import { useState } from 'react'
import type { Seconds, Window } from '../../api/xray'
import { count, duration, plural, short } from '../../model/format'
import { linear, roundTicks } from '../../model/scale'
import { clock, timeTicks } from '../../model/time'
import { useWidth } from '../../ui/chart/useSize'
import { beyond, type Expected } from './model'
import css from './insights.module.css'

interface ForecastChartProps {
  label: string
  /** Faults with the band of what is usual, or response times. */
  shows: 'faults' | 'times'
  window: Window
  /** seconds of a period */
  step: number
  periods: readonly Expected[]
  /** The time of the insight. */
  incident: Window
  /** A moment to mark. */
  at?: Seconds | null
  height?: number
}

const margin = { top: 8, right: 10, bottom: 20, left: 44 }

/** What a service did over time, beside what is usual for it. */
export function ForecastChart({ label, shows, window, step, periods, incident, at = null, height = 130 }: ForecastChartProps) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const [hovered, setHovered] = useState<Expected | null>(null)
  const inner = Math.max(0, width - margin.left - margin.right)
  const bottom = height - margin.bottom
  const x = linear(window.start, window.end)
  const most = shows === 'faults' ? Math.max(1, ...periods.map((one) => Math.max(one.faults, one.high ?? 0))) : Math.max(0.001, ...periods.map((one) => one.p90 ?? 0))
  const y = linear(0, most)
  const px = (seconds: Seconds) => margin.left + Math.min(1, Math.max(0, x.at(seconds))) * inner
  const py = (n: number) => bottom - Math.min(1, y.at(n)) * (bottom - margin.top)
  const band = periods.filter((one) => one.high !== null)
  const line = (of: (one: Expected) => number | null) =>
    periods
      .flatMap((one) => {
        const value = of(one)
        return value === null ? [] : [`${px(one.start + step / 2).toFixed(1)} ${py(value).toFixed(1)}`]
      })
      .map((point, i) => `${i === 0 ? 'M' : 'L'}${point}`)
      .join('')
  const over = beyond(periods)
  const spoken =
    shows === 'faults'
      ? `${label}: ${count(periods.reduce((sum, one) => sum + one.faults, 0))} of ${plural(periods.reduce((sum, one) => sum + one.requests, 0), 'request')} failed; in ${over} of ${plural(periods.length, 'period')} more than usual`
      : `${label}: p90 up to ${duration(most)}`
  return (
    <div ref={ref} className={css.chart}>
      {width > 0 && (
        <svg width={width} height={height} role="img" aria-label={spoken} onPointerLeave={() => setHovered(null)} onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect()
          const moment = x.value((event.clientX - box.left - margin.left) / Math.max(1, inner))
          setHovered(periods.find((one) => moment >= one.start && moment < one.start + step) ?? null)
        }}>
          <rect className={css.incident} x={px(incident.start)} width={Math.max(1, px(incident.end) - px(incident.start))} y={margin.top} height={bottom - margin.top} />
          {roundTicks(0, most, 3)
            .filter((n) => shows === 'times' || Number.isInteger(n))
            .map((n) => (
              <g key={n}>
                <line className={css.grid} x1={margin.left} x2={width - margin.right} y1={py(n)} y2={py(n)} />
                <text className={css.tick} x={margin.left - 5} y={py(n) + 3.5} textAnchor="end">
                  {shows === 'faults' ? short(n) : duration(n)}
                </text>
              </g>
            ))}
          {shows === 'faults' ? (
            <>
              {band.map((one) => (
                <rect key={one.start} className={css.band} x={px(one.start)} width={Math.max(1, px(one.start + step) - px(one.start) + 0.3)} y={py(one.high!)} height={Math.max(1, py(one.low ?? 0) - py(one.high!))} />
              ))}
              {periods.map((one) => {
                const wide = Math.max(1.5, px(one.start + step) - px(one.start) - 1)
                if (one.faults === 0) return null
                return <rect key={one.start} className={one.high !== null && one.faults > one.high ? css.beyond : css.within} x={px(one.start)} width={wide} y={py(one.faults)} height={bottom - py(one.faults)} />
              })}
              {band.length > 0 && <path className={css.bandLine} d={band.map((one, i) => `${i > 0 && band[i - 1]!.start === one.start - step ? 'L' : 'M'}${px(one.start).toFixed(1)} ${py(one.high!).toFixed(1)}H${px(one.start + step).toFixed(1)}`).join('')} />}
            </>
          ) : (
            <>
              <path className={css.p90} d={line((one) => one.p90)} />
              <path className={css.p50} d={line((one) => one.p50)} />
            </>
          )}
          {at !== null && <line className={css.moment} x1={px(at)} x2={px(at)} y1={margin.top - 4} y2={bottom} />}
          <line className={css.axis} x1={margin.left} x2={width - margin.right} y1={bottom} y2={bottom} />
          {timeTicks(window, Math.max(2, inner / 80)).map((moment) => (
            <text key={moment} className={css.tick} x={px(moment)} y={height - 5} textAnchor="middle">
              {clock(moment, window.end)}
            </text>
          ))}
        </svg>
      )}
      <p className={css.caption} aria-hidden="true">
        {hovered
          ? shows === 'faults'
            ? `${clock(hovered.start, window.end)}: ${plural(hovered.faults, 'fault')} of ${count(hovered.requests)}${hovered.high === null ? '' : `, usual ${hovered.low === hovered.high ? short(hovered.low ?? 0) : `${short(hovered.low ?? 0)} to ${short(hovered.high)}`}`}`
            : `${clock(hovered.start, window.end)}: p50 ${duration(hovered.p50)}, p90 ${duration(hovered.p90)}, ${plural(hovered.requests, 'request')}`
          : ''}
      </p>
    </div>
  )
}
