import { useMemo, useState, type KeyboardEvent, type PointerEvent } from 'react'
import type { AnalysisDot } from '../../api/analysis'
import type { Window } from '../../api/xray'
import { noBrush, rounded, type Brush } from '../../model/brush'
import type { TimeRange } from '../../model/filter'
import { count, duration, plural } from '../../model/format'
import { isWide } from '../../model/histogram'
import { linear, log, logTicks, roundTicks } from '../../model/scale'
import { when } from '../../model/time'
import { Axes, placesOf, timeAxis, useRoom, type Axis } from './Chart'
import { placeIn, useBrush, type Drag } from './useBrush'
import css from './chart.module.css'

interface ScatterProps {
  label: string
  window: Window
  dots: readonly AnalysisDot[]
  /** Traces that the dots are of. */
  total: number
  /** The times that the axis holds at least, so that charts can be compared. */
  span?: TimeRange
  brush: Brush
  /** Called with what was dragged over: a time, durations, or both. */
  onBrush: (brush: Brush) => void
  onOpen: (id: string) => void
  height: number
}

/** Drags shorter than this along an axis, in pixels, are not meant along it. */
const least = 14

/** How near a dot the pointer has to be, in pixels. */
const near = 12

const endings: readonly AnalysisDot['Outcome'][] = ['ok', 'rootless', 'error', 'throttle', 'fault']

interface Placed {
  dot: AnalysisDot
  x: number
  y: number
  r: number
}

/** Each trace by when it began and how long it took. Of very many, each dot stands for those around it. */
export function Scatter({ label, window, dots, total, span, brush, onBrush, onOpen, height }: ScatterProps) {
  const [hovered, setHovered] = useState<Placed | null>(null)
  const [cursor, setCursor] = useState<number | null>(null)
  const room = useRoom(height, { top: 10, left: 46 })
  const { wide, bottom, tall } = room
  const { x, y, placed } = useMemo(() => {
    const x = timeAxis(window, room)
    const y = timesAxis(span ? [span.low, span.high] : dots.map((dot) => dot.Seconds), tall)
    const { px, py } = placesOf(room, x, y)
    const small = dots.length > 700 ? 1.7 : 2.3
    return { x, y, placed: dots.map((dot): Placed => ({ dot, x: px(dot.Time), y: py(dot.Seconds), r: Math.min(6, small + Math.log2(dot.Count) * 0.35) })) }
  }, [dots, window, span?.low, span?.high, wide, bottom, tall]) // eslint-disable-line react-hooks/exhaustive-deps
  const paths = useMemo(() => endings.map((ending) => ({ ending, d: placed.filter((one) => one.dot.Outcome === ending).map(shape).join('') })), [placed])

  const nearest = (at: { x: number; y: number }): Placed | null => {
    let found: Placed | null = null
    let best = near * near
    for (const one of placed) {
      const distance = (one.x - at.x) ** 2 + (one.y - at.y) ** 2
      if (distance < best) [found, best] = [one, distance]
    }
    return found
  }
  // What is pointed at goes up to the edge of the drawing, the axis of y does not.
  const up = (part: number) => y.scale.value(Math.min(1, Math.max(0, (bottom - part * bottom) / tall)))
  const selected = (drag: Drag): Brush => ({
    at: drag.wide >= least ? { start: Math.floor(x.scale.value(drag.x.from) * 1000) / 1000, end: Math.ceil(x.scale.value(drag.x.to) * 1000) / 1000 } : null,
    took: drag.tall >= least ? { low: drag.y.to * bottom >= bottom - 1 ? 0 : rounded(Math.max(0, up(drag.y.to)), 'down'), high: rounded(up(drag.y.from), 'up') } : null,
  })
  const pointAt = (event: PointerEvent<Element>) => {
    const at = placeIn(event)
    return nearest({ x: room.left + at.x * wide, y: at.y * bottom })
  }
  const { draft, handlers } = useBrush((drag) => {
    const chosen = selected(drag)
    const hit = nearest({ x: room.left + drag.x.to * wide, y: drag.y.to * bottom })
    if (chosen.at ?? chosen.took) onBrush(chosen)
    else if (hit) onOpen(hit.dot.Id)
    else if (brush.at ?? brush.took) onBrush(noBrush)
  })
  const dragged = draft && selected(draft)
  const drafted = dragged && (dragged.at ?? dragged.took) ? dragged : null
  const shown = drafted ?? brush
  const { px, py } = placesOf(room, x, y)
  const box = (shown.at ?? shown.took) && {
    x0: shown.at ? px(shown.at.start) : room.left,
    x1: shown.at ? px(shown.at.end) : room.right,
    y0: shown.took ? py(shown.took.high) : room.top,
    y1: shown.took && shown.took.low > 0 ? py(shown.took.low) : bottom,
  }

  const onKeyDown = (event: KeyboardEvent) => {
    if (placed.length === 0) return
    const step = { ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20 }[event.key]
    if (step !== undefined) setCursor(cursor === null ? (step > 0 ? 0 : placed.length - 1) : Math.min(placed.length - 1, Math.max(0, cursor + step)))
    else if (event.key === 'Home') setCursor(0)
    else if (event.key === 'End') setCursor(placed.length - 1)
    else if (event.key === 'Enter' && cursor !== null && placed[cursor]) onOpen(placed[cursor].dot.Id)
    else return
    event.preventDefault()
  }
  const pointed = hovered ?? (cursor === null ? null : (placed[cursor] ?? null))
  const words = pointed && `${when(pointed.dot.Time)}, ${duration(pointed.dot.Seconds)}, ${pointed.dot.Outcome === 'rootless' ? 'no root yet' : pointed.dot.Outcome}${pointed.dot.Count > 1 ? `, the slowest of ${count(pointed.dot.Count)} here` : ''}`
  const slowest = dots.reduce<AnalysisDot | null>((most, dot) => (most && most.Seconds >= dot.Seconds ? most : dot), null)
  return (
    <div ref={room.ref} className={css.chart}>
      <div
        className={css.plot}
        role="group"
        tabIndex={0}
        aria-label={`${label}: ${plural(total, 'trace')}${slowest ? `, the slowest ${duration(slowest.Seconds)} at ${when(slowest.Time)}` : ''}. Arrows go from dot to dot, Enter opens its trace.`}
        onKeyDown={onKeyDown}
        onBlur={() => setCursor(null)}
      >
        {room.width > 0 && (
          <svg width={room.width} height={height} aria-hidden="true">
            <Axes room={room} x={x} y={y}>
              {box && <rect className={css.brush} x={box.x0} width={Math.max(1, box.x1 - box.x0)} y={box.y0} height={Math.max(1, box.y1 - box.y0)} />}
              {paths.map(({ ending, d }) => d && <path key={ending} className={`${css.dots} ${css[ending]}`} d={d} />)}
            </Axes>
            {pointed && <circle className={css.pointed} cx={pointed.x} cy={pointed.y} r={pointed.r + 3.5} />}
            <rect
              className={`${css.brushable} ${hovered && !draft ? css.pointable : ''}`}
              x={room.left}
              y={0}
              width={wide}
              height={bottom}
              {...handlers}
              onPointerMove={(event) => {
                handlers.onPointerMove(event)
                setHovered(pointAt(event))
              }}
              onPointerLeave={() => setHovered(null)}
            />
          </svg>
        )}
      </div>
      <p className={css.caption} role={cursor === null ? undefined : 'status'}>
        {drafted ? brushWords(drafted) : (words ?? 'Drag to select a time, durations or both; click a dot for its trace')}
      </p>
    </div>
  )
}

/** timesAxis holds some times, by their logarithms where they lie far apart. */
function timesAxis(times: readonly number[], tall: number): Axis {
  let low = Infinity
  let high = 0
  for (const seconds of times) {
    low = Math.min(low, seconds)
    high = Math.max(high, seconds)
  }
  if (times.length === 0) [low, high] = [0.001, 1]
  low = Math.max(low, 0.0001)
  if (isWide(low, high) || high / low > 30) {
    ;[low, high] = [low * 0.85, high * 1.2]
    return { scale: log(low, high), ticks: logTicks(low, high, tall / 26), write: duration }
  }
  high = high * 1.06 || 1
  return { scale: linear(0, high), ticks: roundTicks(0, high, tall / 34), write: duration }
}

/** brushWords is a selection in words. */
export function brushWords({ at, took }: Brush): string {
  return [at && `${when(at.start)} – ${when(at.end)}`, took && `${duration(took.low)} – ${duration(took.high)}`].filter(Boolean).join(', ')
}

/** shape is a dot as the line of a path: the form tells the outcome as well as the colour does. */
function shape({ dot, x, y, r }: Placed): string {
  const at = (dx: number, dy: number) => `${(x + dx).toFixed(1)} ${(y + dy).toFixed(1)}`
  switch (dot.Outcome) {
    case 'error':
      return `M${at(0, -r * 1.15)}L${at(r * 1.1, r * 0.85)}L${at(-r * 1.1, r * 0.85)}Z`
    case 'throttle':
      return `M${at(-r * 0.9, -r * 0.9)}L${at(r * 0.9, -r * 0.9)}L${at(r * 0.9, r * 0.9)}L${at(-r * 0.9, r * 0.9)}Z`
    case 'fault':
      return `M${at(0, -r * 1.3)}L${at(r * 1.3, 0)}L${at(0, r * 1.3)}L${at(-r * 1.3, 0)}Z`
    default:
      return `M${at(-r, 0)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`
  }
}
