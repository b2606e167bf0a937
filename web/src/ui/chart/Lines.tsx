import { useState } from 'react'
import type { Seconds, Window } from '../../api/xray'
import { linear, roundTicks } from '../../model/scale'
import { clock } from '../../model/time'
import { Chart, timeAxis, Upright, useRoom } from './Chart'
import css from './chart.module.css'

/** A value that changes over time. */
export interface Line {
  name: string
  /** A colour of styles/tokens.css, such as --accent. */
  colour: string
  /** One for each of the chart's times; null where it is not known. */
  values: readonly (number | null)[]
}

interface LinesProps {
  label: string
  window: Window
  times: readonly Seconds[]
  lines: readonly Line[]
  /** Writes a value. */
  format: (value: number) => string
  height?: number
  /** The axis goes at least so far, so that nothing much looks like nothing much. */
  least?: number
  /** Values are bytes: round ones are of 1024s. */
  binary?: boolean
}

/** How values went over time. One line is filled below. */
export function Lines({ label, window, times, lines, format, height = 130, least = 0, binary = false }: LinesProps) {
  const [hovered, setHovered] = useState<number | null>(null)
  const room = useRoom(height, { left: 66 })
  const most = Math.max(least, ...lines.flatMap((line) => line.values.map((value) => value ?? 0))) || 1
  const unit = binary ? 1024 ** Math.max(0, Math.floor(Math.log2(most) / 10)) : 1
  const ticks = roundTicks(0, most / unit, 3).map((tick) => tick * unit)
  const at = hovered === null || hovered >= times.length ? times.length - 1 : hovered
  const now = times[at]
  const said = lines.map((line) => `${line.name} now ${text(line.values.at(-1), format)}, at most ${format(Math.max(0, ...line.values.map((value) => value ?? 0)))}`).join('; ')
  return (
    <Chart
      room={room}
      label={`${label}: ${said}`}
      x={timeAxis(window, room)}
      y={{ scale: linear(0, Math.max(most, ticks.at(-1) ?? 0)), ticks, write: format }}
      onPoint={(moment) => setHovered(moment === null ? null : nearest(times, moment))}
      foot={
        <p className={css.legend} aria-hidden="true">
          <span>{now === undefined ? '' : hovered === null ? 'now' : clock(now, window.end)}</span>
          {lines.map((line) => (
            <span key={line.name} className={css.key}>
              <span className={css.swatch} style={{ background: `var(${line.colour})` }} />
              {line.name} <b>{text(line.values[at], format)}</b>
            </span>
          ))}
        </p>
      }
    >
      {({ px, py }) => (
        <>
          {lines.map((line) => {
            const path = pathOf(times, line.values, px, py)
            return (
              <g key={line.name}>
                {lines.length === 1 && path !== '' && <path className={css.area} d={areaOf(times, line.values, px, py, room.bottom)} style={{ fill: `var(${line.colour})` }} />}
                <path className={css.line} d={path} style={{ stroke: `var(${line.colour})` }} />
              </g>
            )
          })}
          {hovered !== null && now !== undefined && <Upright at={now} room={room} px={px} look="pointer" />}
        </>
      )}
    </Chart>
  )
}

function text(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? '–' : format(value)
}

/** nearest is the index of the time nearest to a moment; null if there are none. */
export function nearest(times: readonly Seconds[], moment: Seconds): number | null {
  if (times.length === 0) return null
  let low = 0
  let high = times.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if (times[middle]! < moment) low = middle + 1
    else high = middle
  }
  return low > 0 && moment - times[low - 1]! < times[low]! - moment ? low - 1 : low
}

type Place = (value: number) => number

/** pathOf draws a line through the values, with gaps where one is not known. */
export function pathOf(times: readonly Seconds[], values: readonly (number | null)[], px: Place, py: Place): string {
  let path = ''
  let drawing = false
  times.forEach((time, i) => {
    const value = values[i]
    if (value === null || value === undefined) {
      drawing = false
      return
    }
    path += `${drawing ? 'L' : 'M'}${px(time).toFixed(1)} ${py(value).toFixed(1)}`
    drawing = true
  })
  return path
}

function areaOf(times: readonly Seconds[], values: readonly (number | null)[], px: Place, py: Place, bottom: number): string {
  const known = times.map((time, i) => ({ time, value: values[i] ?? 0 }))
  const first = known[0]
  const last = known.at(-1)
  if (!first || !last) return ''
  return `M${px(first.time).toFixed(1)} ${bottom}${known.map(({ time, value }) => `L${px(time).toFixed(1)} ${py(value).toFixed(1)}`).join('')}L${px(last.time).toFixed(1)} ${bottom}Z`
}
