import { useState } from 'react'
import type { Seconds, Window } from '../../api/xray'
import { count, duration, plural, short } from '../../model/format'
import { linear, roundTicks } from '../../model/scale'
import { clock } from '../../model/time'
import { Chart, timeAxis, Upright, useRoom, type Places } from '../../ui/chart/Chart'
import { pathOf } from '../../ui/chart/Lines'
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

/** What a service did over time, beside what is usual for it. */
export function ForecastChart({ label, shows, window, step, periods, incident, at = null, height = 130 }: ForecastChartProps) {
  const [hovered, setHovered] = useState<Expected | null>(null)
  const room = useRoom(height, { left: 44 })
  const faults = shows === 'faults'
  const most = faults ? Math.max(1, ...periods.map((one) => Math.max(one.faults, one.high ?? 0))) : Math.max(0.001, ...periods.map((one) => one.p90 ?? 0))
  const spoken = faults
    ? `${label}: ${count(periods.reduce((sum, one) => sum + one.faults, 0))} of ${plural(periods.reduce((sum, one) => sum + one.requests, 0), 'request')} failed; in ${beyond(periods)} of ${plural(periods.length, 'period')} more than usual`
    : `${label}: p90 up to ${duration(most)}`
  return (
    <Chart
      room={room}
      label={spoken}
      x={timeAxis(window, room)}
      y={{ scale: linear(0, most), ticks: roundTicks(0, most, 3).filter((n) => !faults || Number.isInteger(n)), write: faults ? short : duration }}
      onPoint={(moment) => setHovered((moment !== null && periods.find((one) => moment >= one.start && moment < one.start + step)) || null)}
      caption={() => (hovered ? `${clock(hovered.start, window.end)}: ${faults ? faultWords(hovered) : `p50 ${duration(hovered.p50)}, p90 ${duration(hovered.p90)}, ${plural(hovered.requests, 'request')}`}` : '')}
    >
      {({ px, py }) => (
        <>
          <rect className={css.incident} x={px(incident.start)} width={Math.max(1, px(incident.end) - px(incident.start))} y={room.top} height={room.tall} />
          {faults ? (
            <Faults periods={periods} step={step} px={px} py={py} bottom={room.bottom} />
          ) : (
            (['p90', 'p50'] as const).map((of) => {
              const known = periods.filter((one) => one[of] !== null)
              return <path key={of} className={css[of]} d={pathOf(known.map((one) => one.start + step / 2), known.map((one) => one[of]), px, py)} />
            })
          )}
          {at !== null && <Upright at={at} room={room} px={px} look="moment" />}
        </>
      )}
    </Chart>
  )
}

/** Faults in bars, over the band of what is usual. */
function Faults({ periods, step, px, py, bottom }: Places & { periods: readonly Expected[]; step: number; bottom: number }) {
  const band = periods.filter((one) => one.high !== null)
  return (
    <>
      {band.map((one) => (
        <rect key={one.start} className={css.band} x={px(one.start)} width={Math.max(1, px(one.start + step) - px(one.start) + 0.3)} y={py(one.high!)} height={Math.max(1, py(one.low ?? 0) - py(one.high!))} />
      ))}
      {periods.map((one) => {
        if (one.faults === 0) return null
        return <rect key={one.start} className={one.high !== null && one.faults > one.high ? css.beyond : css.within} x={px(one.start)} width={Math.max(1.5, px(one.start + step) - px(one.start) - 1)} y={py(one.faults)} height={bottom - py(one.faults)} />
      })}
      <path className={css.bandLine} d={band.map((one, i) => `${i > 0 && band[i - 1]!.start === one.start - step ? 'L' : 'M'}${px(one.start).toFixed(1)} ${py(one.high!).toFixed(1)}H${px(one.start + step).toFixed(1)}`).join('')} />
    </>
  )
}

function faultWords({ faults, requests, low, high }: Expected): string {
  const usual = high === null ? '' : `, usual ${low === high ? short(low ?? 0) : `${short(low ?? 0)} to ${short(high)}`}`
  return `${plural(faults, 'fault')} of ${count(requests)}${usual}`
}
