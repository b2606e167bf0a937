import type { ReactNode, RefObject } from 'react'
import type { Seconds, Window } from '../../api/xray'
import { linear, type Scale } from '../../model/scale'
import { clock, timeTicks } from '../../model/time'
import { placeIn, useBrush } from './useBrush'
import { useWidth } from './useSize'
import css from './chart.module.css'

/** The room of a chart in pixels: the drawing goes from left to right and from top to bottom. */
export interface Room {
  ref: RefObject<HTMLDivElement | null>
  /** 0 before it is known. */
  width: number
  height: number
  left: number
  right: number
  top: number
  bottom: number
  wide: number
  tall: number
}

/** useRoom leaves room for what is written at the axes, as wide as the page is. */
export function useRoom(height: number, { top = 8, left = 38 }: { top?: number; left?: number } = {}): Room {
  const [ref, width] = useWidth<HTMLDivElement>()
  const right = Math.max(left, width - 16)
  const bottom = height - 20
  return { ref, width, height, left, right, top, bottom, wide: right - left, tall: bottom - top }
}

/** An axis: where values are, which of them are written, and how. */
export interface Axis {
  scale: Scale
  ticks: readonly number[]
  write: (value: number) => string
}

/** timeAxis is the axis of a window of time. */
export function timeAxis(window: Window, room: Room): Axis {
  return { scale: linear(window.start, window.end), ticks: timeTicks(window, Math.max(2, room.wide / 80)), write: (moment) => clock(moment, window.end) }
}

/** Where values are in a chart, in pixels. What is beyond an axis is at its end. */
export interface Places {
  px: (x: number) => number
  py: (y: number) => number
}

export function placesOf(room: Room, x: Axis, y: Axis): Places {
  const part = (at: number) => Math.min(1, Math.max(0, at))
  return { px: (value) => room.left + part(x.scale.at(value)) * room.wide, py: (value) => room.bottom - part(y.scale.at(value)) * room.tall }
}

/** The axes of a chart, with lines across at the values of y, below what is drawn. */
export function Axes({ room, x, y, children }: { room: Room; x: Axis; y: Axis; children: ReactNode }) {
  const { px, py } = placesOf(room, x, y)
  return (
    <>
      {y.ticks.map((value) => (
        <g key={value}>
          <line className={css.grid} x1={room.left} x2={room.right} y1={py(value)} y2={py(value)} />
          <text className={css.tick} x={room.left - 5} y={py(value) + 3.5} textAnchor="end">
            {y.write(value)}
          </text>
        </g>
      ))}
      {children}
      <line className={css.axis} x1={room.left} x2={room.right} y1={room.bottom} y2={room.bottom} />
      {x.ticks.map((value) => (
        <text key={value} className={css.tick} x={px(value)} y={room.height - 5} textAnchor="middle">
          {x.write(value)}
        </text>
      ))}
    </>
  )
}

/** A part of the axis of x. */
export interface Selection {
  low: number
  high: number
}

interface ChartProps {
  room: Room
  /** What it shows, in figures. */
  label: string
  x: Axis
  y: Axis
  children: (places: Places, chosen: Selection | null) => ReactNode
  /** There is nothing to draw axes of. */
  empty?: boolean
  /** The part of x that is chosen, unless another is being dragged over. */
  selection?: Selection | null
  /** Called with what was dragged over, or with null for a click. */
  onSelect?: ((selection: Selection | null) => void) | undefined
  /** Called with where the pointer is on the axis of x, null when it left. */
  onPoint?: (x: number | null) => void
  /** What is written below; a chart with a legend of its own has none. */
  caption?: (chosen: Selection | null) => string
  foot?: ReactNode
}

/** Drags shorter than this, in pixels, are clicks. */
const least = 4

/** A chart: its axes, what is drawn between them, and a line below. A part of x can be chosen by dragging over it. */
export function Chart({ room, label, x, y, children, empty = false, selection = null, onSelect, onPoint, caption, foot }: ChartProps) {
  const values = ({ from, to }: { from: number; to: number }): Selection => ({ low: x.scale.value(from), high: x.scale.value(to) })
  const brush = useBrush(onSelect && ((drag) => onSelect(drag.wide < least ? null : values(drag.x))))
  const places = placesOf(room, x, y)
  const chosen = brush.draft ? values(brush.draft.x) : selection
  return (
    <div ref={room.ref} className={css.chart}>
      {room.width > 0 && !empty && (
        <svg width={room.width} height={room.height} role="img" aria-label={label}>
          <Axes room={room} x={x} y={y}>
            {children(places, chosen)}
            {chosen && <rect className={css.brush} x={places.px(chosen.low)} width={Math.max(1, places.px(chosen.high) - places.px(chosen.low))} y={room.top} height={room.tall} />}
          </Axes>
          <rect
            className={onSelect ? css.brushable : css.plain}
            x={room.left}
            y={0}
            width={room.wide}
            height={room.bottom}
            {...brush.handlers}
            onPointerMove={(event) => {
              brush.handlers.onPointerMove(event)
              onPoint?.(x.scale.value(placeIn(event).x))
            }}
            onPointerLeave={() => onPoint?.(null)}
          />
        </svg>
      )}
      {foot ?? (
        <p className={css.caption} aria-hidden="true">
          {caption?.(chosen)}
        </p>
      )}
    </div>
  )
}

/** A line down a chart at a value of x. */
export function Upright({ at, room, px, look }: { at: Seconds; room: Room; px: Places['px']; look: 'moment' | 'pointer' }) {
  return <line className={css[look]} x1={px(at)} x2={px(at)} y1={room.top - 4} y2={room.bottom} />
}

/** A part of the time that stands out. */
export function Highlight({ window, room, px }: { window: Window; room: Room; px: Places['px'] }) {
  const at = { x: px(window.start), width: Math.max(1, px(window.end) - px(window.start)) }
  return (
    <>
      <rect className={css.highlight} {...at} y={room.top} height={room.tall} />
      <rect className={css.highlightLine} {...at} y={0} height={3} rx={1.5} />
    </>
  )
}
