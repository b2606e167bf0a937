import { useMemo, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react'
import type { AnalysisDot, AnalysisSet } from '../../api/analysis'
import type { Seconds, Window } from '../../api/xray'
import { count, duration, plural } from '../../model/format'
import { isWide } from '../../model/histogram'
import { linear, log, logTicks, roundTicks } from '../../model/scale'
import { clock, timeTicks } from '../../model/time'
import chart from '../../ui/chart/chart.module.css'
import { useWidth } from '../../ui/chart/useSize'
import { rounded, when, type Brush, type Ending } from './model'
import css from './traces.module.css'

interface ScatterProps {
  label: string
  window: Window
  set: AnalysisSet
  brush: Brush
  /** Called with what was dragged over: a time, durations, or both. */
  onBrush: (brush: Brush) => void
  onOpen: (id: string) => void
  height: number
}

const margin = { top: 10, right: 12, bottom: 20, left: 46 }

/** Drags shorter than this along an axis are not meant along it. */
const least = 14

/** How near a dot the pointer has to be, in pixels. */
const near = 12

const endings: readonly Ending[] = ['ok', 'rootless', 'error', 'throttle', 'fault']

interface Placed {
  dot: AnalysisDot
  x: number
  y: number
  r: number
}

/** Each trace by when it began and how long it took. Of very many, each dot stands for those around it. */
export function Scatter({ label, window, set, brush, onBrush, onOpen, height }: ScatterProps) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const [hovered, setHovered] = useState<Placed | null>(null)
  const [cursor, setCursor] = useState<number | null>(null)
  const began = useRef<{ x: number; y: number } | null>(null)
  const [drag, setDrag] = useState<{ x0: number; y0: number; x1: number; y1: number } | null>(null)
  const inner = Math.max(0, width - margin.left - margin.right)
  const bottom = height - margin.bottom
  const tall = bottom - margin.top

  const { placed, x, y, low, high, wide } = useMemo(() => {
    let low = Infinity
    let high = 0
    for (const dot of set.Dots) {
      low = Math.min(low, dot.Seconds)
      high = Math.max(high, dot.Seconds)
    }
    if (set.Dots.length === 0) [low, high] = [0.001, 1]
    low = Math.max(low, 0.0001)
    const wide = isWide(low, high) || high / low > 30
    if (wide) [low, high] = [low * 0.85, high * 1.2]
    else [low, high] = [0, high * 1.06 || 1]
    const x = linear(window.start, window.end)
    const y = wide ? log(low, high) : linear(low, high)
    const small = set.Dots.length > 700 ? 1.7 : 2.3
    const placed = set.Dots.map((dot): Placed => {
      const up = Math.min(1, Math.max(0, y.at(dot.Seconds)))
      return { dot, x: margin.left + x.at(dot.Time) * inner, y: bottom - up * tall, r: Math.min(6, small + Math.log2(dot.Count) * 0.35) }
    })
    return { placed, x, y, low, high, wide }
  }, [set, window, inner, bottom, tall])

  const paths = useMemo(() => endings.map((ending) => ({ ending, d: placed.filter((one) => one.dot.Outcome === ending).map(shape).join('') })), [placed])

  const place = (event: PointerEvent<Element>) => {
    const box = ref.current!.getBoundingClientRect()
    return { x: Math.min(width - margin.right, Math.max(margin.left, event.clientX - box.left)), y: Math.min(bottom, Math.max(margin.top, event.clientY - box.top)) }
  }
  const timeAt = (px: number) => x.value((px - margin.left) / inner)
  const secondsAt = (py: number) => y.value((bottom - py) / tall)
  const nearest = (at: { x: number; y: number }): Placed | null => {
    let found: Placed | null = null
    let best = near * near
    for (const one of placed) {
      const distance = (one.x - at.x) ** 2 + (one.y - at.y) ** 2
      if (distance < best) [found, best] = [one, distance]
    }
    return found
  }
  const selected = (from: { x: number; y: number }, to: { x: number; y: number }): Brush | null => {
    const [x0, x1] = [Math.min(from.x, to.x), Math.max(from.x, to.x)]
    const [y0, y1] = [Math.min(from.y, to.y), Math.max(from.y, to.y)]
    const time = x1 - x0 >= least
    const took = y1 - y0 >= least
    if (!time && !took) return null
    return {
      at: time ? { start: Math.floor(timeAt(x0) * 1000) / 1000, end: Math.ceil(timeAt(x1) * 1000) / 1000 } : null,
      took: took ? { low: y1 >= bottom - 1 ? 0 : rounded(Math.max(0, secondsAt(y1)), 'down'), high: rounded(secondsAt(y0), 'up') } : null,
    }
  }
  const draft = drag && selected({ x: drag.x0, y: drag.y0 }, { x: drag.x1, y: drag.y1 })
  const shown = draft ?? brush
  const box = (shown.at ?? shown.took) && {
    x0: shown.at ? margin.left + Math.min(1, Math.max(0, x.at(shown.at.start))) * inner : margin.left,
    x1: shown.at ? margin.left + Math.min(1, Math.max(0, x.at(shown.at.end))) * inner : width - margin.right,
    y0: shown.took ? bottom - Math.min(1, Math.max(0, y.at(shown.took.high))) * tall : margin.top,
    y1: shown.took ? bottom - (shown.took.low <= low ? 0 : Math.min(1, Math.max(0, y.at(shown.took.low)))) * tall : bottom,
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
  const slowest = set.Dots.reduce<AnalysisDot | null>((most, dot) => (most && most.Seconds >= dot.Seconds ? most : dot), null)
  const ticks = wide ? logTicks(low, high, tall / 26) : roundTicks(low, high, tall / 34)
  return (
    <div ref={ref} className={chart.chart}>
      <div
        className={css.plot}
        role="group"
        tabIndex={0}
        aria-label={`${label}: ${plural(set.TotalCount, 'trace')}${slowest ? `, the slowest ${duration(slowest.Seconds)} at ${when(slowest.Time)}` : ''}. Arrows go from dot to dot, Enter opens its trace.`}
        onKeyDown={onKeyDown}
        onBlur={() => setCursor(null)}
      >
        {width > 0 && (
          <svg width={width} height={height} aria-hidden="true">
            {ticks.map((value) => (
              <g key={value}>
                <line className={chart.grid} x1={margin.left} x2={width - margin.right} y1={bottom - y.at(value) * tall} y2={bottom - y.at(value) * tall} />
                <text className={chart.tick} x={margin.left - 6} y={bottom - y.at(value) * tall + 3.5} textAnchor="end">
                  {duration(value)}
                </text>
              </g>
            ))}
            {box && <rect className={chart.brush} x={box.x0} width={Math.max(1, box.x1 - box.x0)} y={box.y0} height={Math.max(1, box.y1 - box.y0)} />}
            {paths.map(({ ending, d }) => d && <path key={ending} className={`${css.dots} ${css[`dots-${ending}`]}`} d={d} />)}
            <line className={chart.axis} x1={margin.left} x2={width - margin.right} y1={bottom} y2={bottom} />
            {timeTicks(window, Math.max(2, inner / 90)).map((at) => (
              <text key={at} className={chart.tick} x={margin.left + x.at(at) * inner} y={height - 5} textAnchor="middle">
                {clock(at, window.end)}
              </text>
            ))}
            {pointed && <circle className={css.pointed} cx={pointed.x} cy={pointed.y} r={pointed.r + 3.5} />}
            <rect
              className={hovered && !drag ? css.pointable : chart.brushable}
              x={margin.left}
              y={0}
              width={inner}
              height={bottom}
              onPointerDown={(event) => {
                if (event.button !== 0) return
                event.currentTarget.setPointerCapture(event.pointerId)
                began.current = place(event)
              }}
              onPointerMove={(event) => {
                const at = place(event)
                if (began.current) setDrag({ x0: began.current.x, y0: began.current.y, x1: at.x, y1: at.y })
                setHovered(nearest(at))
              }}
              onPointerUp={(event) => {
                const from = began.current
                const to = place(event)
                began.current = null
                setDrag(null)
                if (!from) return
                const chosen = selected(from, to)
                const hit = nearest(to)
                if (chosen) onBrush(chosen)
                else if (hit) onOpen(hit.dot.Id)
                else if (brush.at ?? brush.took) onBrush({ at: null, took: null })
              }}
              onPointerCancel={() => {
                began.current = null
                setDrag(null)
              }}
              onPointerLeave={() => setHovered(null)}
            />
          </svg>
        )}
      </div>
      <p className={chart.caption} role={cursor === null ? undefined : 'status'}>
        {draft ? selectionWords(draft) : (words ?? 'Drag to select a time, durations or both; click a dot for its trace')}
      </p>
    </div>
  )
}

function selectionWords({ at, took }: Brush): string {
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

/** Seconds as a field shows them. */
export function milliseconds(seconds: Seconds): string {
  return String(Number((seconds * 1000).toFixed(3)))
}
