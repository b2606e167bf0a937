import { useVirtualizer } from '@tanstack/react-virtual'
import { memo, useEffect, useImperativeHandle, useLayoutEffect, useRef, useState, type KeyboardEvent, type PointerEvent, type Ref } from 'react'
import { count, duration, plural } from '../../model/format'
import { shortType, titleOf as nodeTitle, kindOf } from '../../model/graph'
import { outcomeNames, type Outcome } from '../../model/outcome'
import { Icon } from '../../ui/Icon'
import { NodeIcon } from '../../ui/NodeIcon'
import { Mark, outcomeText } from '../../ui/Outcomes'
import { Bars, ServiceBars } from './Bars'
import type { CriticalPath } from './model/critical'
import { titleOf } from './model/facts'
import { keyOf, type Row, type ServiceRow, type SpanRow } from './model/rows'
import type { Skew } from './model/skew'
import { ownTime, standIn, type Span, type Trace } from './model/tree'
import { pan, ticks, zoomAt } from './model/view'
import type { View } from './search'
import type { Zoom } from './useZoom'
import css from './trace.module.css'

export const rowHeight = 26

/** What the rows are drawn with; the same for all of them. */
export interface Drawing {
  trace: Trace
  critical: CriticalPath | null
  skews: ReadonlyMap<number, Skew>
  worst: readonly Outcome[]
  colours: ReadonlyMap<string, number>
  byOutcome: boolean
  inferred: boolean
  hits: ReadonlySet<number> | null
  /** The key of a service; all others are faded. */
  lit: string | null
}

export interface WaterfallHandle {
  focus: () => void
}

interface WaterfallProps {
  rows: readonly Row[]
  drawing: Drawing
  zoom: Zoom
  /** The key of the row that is chosen. */
  chosen: string | null
  onChoose: (row: Row) => void
  /** Folds a row, or unfolds it. */
  onTurn: (key: string) => void
  /** Enter on a row. */
  onOpen: () => void
  handle?: Ref<WaterfallHandle>
}

const widthKey = 'tomo.trace.names'

/** The rows of a trace, and the time beside them. Only those in sight are in the page, however many there are. */
export function Waterfall({ rows, drawing, zoom, chosen, onChoose, onTurn, onOpen, handle }: WaterfallProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const outer = useRef<HTMLDivElement>(null)
  const [size, setSize] = useState({ outer: 0, inner: 0 })
  const [wanted, setWanted] = useState(() => Number(localStorage.getItem(widthKey)) || 0)
  useLayoutEffect(() => {
    const element = scroller.current
    if (!element) return
    const measure = () => setSize({ outer: element.offsetWidth, inner: element.clientWidth })
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  const wide = size.inner >= 700
  const most = Math.max(160, size.inner - 160)
  const names = Math.min(most, Math.max(160, wanted || Math.min(560, Math.max(wide ? 360 : 210, size.inner * 0.42))))
  const time = Math.max(0, size.inner - names)

  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 10 })
  useImperativeHandle(handle, () => ({ focus: () => scroller.current?.focus() }))

  // What was chosen, by whatever way, is brought into sight.
  const at = chosen === null ? -1 : rows.findIndex((row) => row.key === chosen)
  const { scrollToIndex } = virtual
  useEffect(() => {
    if (at >= 0) scrollToIndex(at, { align: 'auto' })
  }, [at, scrollToIndex])

  const { setView } = zoom
  const moves = useRef({ names, time })
  useEffect(() => {
    moves.current = { names, time }
  })
  useEffect(() => {
    const element = outer.current
    if (!element) return
    const wheel = (event: WheelEvent) => {
      const { names, time } = moves.current
      const sideways = event.shiftKey ? event.deltaY || event.deltaX : Math.abs(event.deltaX) > Math.abs(event.deltaY) ? event.deltaX : 0
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault()
        const place = Math.min(1, Math.max(0, (event.clientX - element.getBoundingClientRect().left - names) / Math.max(1, time)))
        setView((view) => zoomAt(view, zoomAll.current, Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) * 0.004), place))
      } else if (sideways !== 0) {
        event.preventDefault()
        setView((view) => pan(view, zoomAll.current, sideways / Math.max(200, time)))
      }
    }
    element.addEventListener('wheel', wheel, { passive: false })
    return () => element.removeEventListener('wheel', wheel)
  }, [setView])
  const zoomAll = useRef(zoom.all)
  useEffect(() => {
    zoomAll.current = zoom.all
  })

  const walk = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const row = at >= 0 ? rows[at] : undefined
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / rowHeight) - 1)
    const step = ({ ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity } as Record<string, number>)[event.key]
    if (step !== undefined) {
      event.preventDefault()
      const next = rows[Math.min(rows.length - 1, Math.max(0, (at < 0 ? (step > 0 ? -1 : 0) : at) + step))]
      if (next) onChoose(next)
    } else if (event.key === 'ArrowRight' && row) {
      event.preventDefault()
      if (row.holds && row.folded) onTurn(row.key)
      else if (row.holds && rows[at + 1]) onChoose(rows[at + 1]!)
    } else if (event.key === 'ArrowLeft' && row) {
      event.preventDefault()
      if (row.holds && !row.folded) onTurn(row.key)
      else {
        const above = rows.slice(0, at).findLast((one) => one.level < row.level)
        if (above) onChoose(above)
      }
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault()
      if (row) onOpen()
    }
  }

  const marks = ticks(zoom.view, Math.max(2, time / 110))
  const place = (seconds: number) => ((seconds - zoom.view.from) / (zoom.view.to - zoom.view.from)) * time
  return (
    <div ref={outer} className={`${css.waterfall} ${size.inner < 860 ? css.close : ''} ${wide ? '' : css.tight}`}>
      <div className={css.axis} style={{ paddingRight: size.outer - size.inner }}>
        <div className={css.heads} style={{ width: names }}>
          <span className={css.headName}>Segments</span>
          <span className={css.figure}>Total</span>
          <span className={`${css.figure} ${css.own}`}>Own</span>
        </div>
        <Splitter width={names} most={most} onChange={setWanted} />
        <Ruler marks={marks} place={place} width={time} zoom={zoom} />
      </div>
      <div className={css.grid} style={{ left: names, width: time }} aria-hidden="true">
        {marks.map((tick) => (
          <span key={tick.at} style={{ left: place(tick.at) }} />
        ))}
      </div>
      <div
        ref={scroller}
        className={css.scroller}
        role="tree"
        tabIndex={0}
        aria-label="Segments and subsegments"
        aria-activedescendant={virtual.getVirtualItems().some((item) => item.index === at) ? `row-${at}` : undefined}
        onKeyDown={walk}
        onFocus={() => {
          if (at < 0 && rows[0] && scroller.current?.matches(':focus-visible')) onChoose(rows[0])
        }}
      >
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {size.inner > 0 &&
            virtual.getVirtualItems().map((item) => {
              const row = rows[item.index]
              if (!row) return null
              const Line = row.kind === 'span' ? SpanLine : ServiceLine
              return <Line key={row.key + item.index} row={row as never} index={item.index} top={item.start} names={names} time={time} view={zoom.view} drawing={drawing} chosen={item.index === at} onChoose={onChoose} onTurn={onTurn} />
            })}
        </div>
      </div>
    </div>
  )
}

/** The times above the bars. Dragging over them zooms in. */
function Ruler({ marks, place, width, zoom }: { marks: ReturnType<typeof ticks>; place: (seconds: number) => number; width: number; zoom: Zoom }) {
  const [draft, setDraft] = useState<{ from: number; to: number } | null>(null)
  const began = useRef<number | null>(null)
  const at = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect()
    return zoom.view.from + Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * (zoom.view.to - zoom.view.from)
  }
  return (
    <div
      className={css.ruler}
      aria-hidden="true"
      onPointerDown={(event) => {
        if (event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        began.current = at(event)
      }}
      onPointerMove={(event) => {
        if (began.current === null) return
        const now = at(event)
        setDraft({ from: Math.min(began.current, now), to: Math.max(began.current, now) })
      }}
      onPointerUp={() => {
        if (draft && place(draft.to) - place(draft.from) > 4) zoom.setView(draft)
        began.current = null
        setDraft(null)
      }}
      onDoubleClick={() => zoom.setView(zoom.all)}
    >
      {draft && <span className={css.brush} style={{ left: place(draft.from), width: place(draft.to) - place(draft.from) }} />}
      {marks.map((tick) => (
        <span key={tick.at} className={css.tick} style={{ left: place(tick.at) }}>
          {place(tick.at) + tick.label.length * 7 < width && tick.label}
        </span>
      ))}
    </div>
  )
}

/** Between names and bars: drags them wider. */
function Splitter({ width, most, onChange }: { width: number; most: number; onChange: (width: number) => void }) {
  const change = (next: number) => {
    const kept = Math.round(Math.min(most, Math.max(160, next)))
    localStorage.setItem(widthKey, String(kept))
    onChange(kept)
  }
  return (
    <div
      className={css.splitter}
      style={{ left: width - 4 }}
      role="separator"
      aria-orientation="vertical"
      aria-label="Width of the names"
      aria-valuemin={160}
      aria-valuemax={Math.round(most)}
      aria-valuenow={Math.round(width)}
      tabIndex={0}
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event) => {
        if (event.buttons === 1) change(width + event.movementX)
      }}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return
        event.preventDefault()
        change(width + (event.key === 'ArrowLeft' ? -24 : 24))
      }}
    />
  )
}

interface LineProps<R extends Row> {
  row: R
  index: number
  top: number
  names: number
  time: number
  view: View
  drawing: Drawing
  chosen: boolean
  onChoose: (row: Row) => void
  onTurn: (key: string) => void
}

/** Deeper levels are no further to the right: there would be no room for names. */
const deepest = 16

const SpanLine = memo(function SpanLine({ row, index, top, names, time, view, drawing, chosen, onChoose, onTurn }: LineProps<SpanRow>) {
  const { span } = row
  const { trace, skews, worst, colours, byOutcome, hits, lit } = drawing
  const title = titleOf(span)
  const segment = span.segment === span
  const stand = drawing.inferred ? null : standIn(span)
  const skew = skews.get(span.index)
  const hit = hits?.has(span.index) || (stand && hits?.has(stand.index))
  const faded = lit !== null && span.service.key !== lit && stand?.service.key !== lit
  const inside = row.folded && worst[span.index] !== span.outcome ? worst[span.index]! : null
  return (
    <div
      id={`row-${index}`}
      role="treeitem"
      aria-level={row.level + 1}
      aria-selected={chosen}
      {...(row.holds ? { 'aria-expanded': !row.folded } : {})}
      data-span={keyOf(span)}
      className={`${css.row} ${chosen ? css.chosen : ''} ${faded ? css.faded : ''} ${hit ? css.hit : ''} ${colourOf(colours, span.service.key)} ${byOutcome ? css.byOutcome : ''}`}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onChoose(row)}
    >
      <span className="hidden-visually">{spoken(span, drawing)}</span>
      <div className={css.names} style={{ width: names }} aria-hidden="true">
        <span className={css.name} style={{ paddingLeft: 8 + Math.min(row.level, deepest) * 14 }}>
          <Turn row={row} onTurn={onTurn} />
          {row.level > deepest && <span className={css.depth}>{row.level + 1}</span>}
          {segment ? (
            <span className={css.service} title={`${span.service.type ?? 'service'}${span.inferred ? ', inferred: it sent no segment' : ''}`}>
              <NodeIcon kind={kindOf(span.service.type)} size={15} />
            </span>
          ) : stand ? (
            <span className={`${css.service} ${css.standIn} ${colourOf(colours, stand.service.key)}`} title={`Inferred: ${shortType(stand.service.type)} ${stand.service.name} sent no segment, so this is what its caller saw`}>
              <NodeIcon kind={kindOf(stand.service.type)} size={14} />
            </span>
          ) : (
            <span className={css.stripe} />
          )}
          {span.outcome !== 'ok' && (
            <span title={outcomeNames[span.outcome]}>
              <Mark outcome={span.outcome} />
            </span>
          )}
          <span className={`${segment ? css.strong : ''} ${css.word}`}>{segment ? nodeTitle({ name: span.service.name }) : title.name}</span>
          {title.note && <span className={css.note}>{title.note}</span>}
          {span.inferred && <span className={css.chip}>inferred</span>}
          {span.open && <span className={`${css.chip} ${css.openChip}`}>in progress</span>}
          {span.missing && <span className={`${css.chip} ${css.oddChip}`} title={`Its parent ${span.missing} is not in the trace`}>no caller</span>}
          {span.looped && <span className={`${css.chip} ${css.oddChip}`}>circle</span>}
          {skew && <span className={`${css.chip} ${css.oddChip}`} title={skewText(skew)}><Icon name="time" size={11} /> {skew.least > 0 ? '−' : '+'}{duration(Math.abs(skew.least))}</span>}
          {row.folded && <span className={css.hidden}>+{count(row.hidden)}</span>}
          {inside && (
            <span title={`Folded away: ${outcomeNames[inside]}`} className={css.inside}>
              <Mark outcome={inside} />
            </span>
          )}
        </span>
        {span.status !== null && <span className={`${css.status} ${outcomeText(span.outcome)}`}>{span.status}</span>}
        <span className={css.figure}>{span.open ? '…' : duration(span.end - span.start)}</span>
        <span className={`${css.figure} ${css.own}`}>{span.open ? '' : duration(stand ? ownTime(span) : span.own)}</span>
      </div>
      <Bars span={span} stand={stand} colour={stand ? colourOf(colours, stand.service.key) : ''} trace={trace} view={view} width={time} critical={drawing.critical} skew={skew} folded={row.folded} />
    </div>
  )
})

const ServiceLine = memo(function ServiceLine({ row, index, top, names, time, view, drawing, chosen, onChoose, onTurn }: LineProps<ServiceRow>) {
  const { trace, colours, byOutcome, lit } = drawing
  const failed = row.segments.filter((span) => span.outcome !== 'ok')
  const worst = failed.find((span) => span.outcome === 'fault') ?? failed.find((span) => span.outcome === 'throttle') ?? failed[0]
  return (
    <div
      id={`row-${index}`}
      role="treeitem"
      aria-level={1}
      aria-selected={chosen}
      aria-expanded={!row.folded}
      className={`${css.row} ${css.heading} ${chosen ? css.chosen : ''} ${lit !== null && lit !== row.service.key ? css.faded : ''} ${colourOf(colours, row.service.key)} ${byOutcome ? css.byOutcome : ''}`}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onChoose(row)}
    >
      <span className="hidden-visually">{`${row.service.name}, ${shortType(row.service.type) || 'service'}, ${plural(row.segments.length, 'segment')}, ${duration(row.own)} of its own${failed.length > 0 ? `, ${failed.length} failed` : ''}`}</span>
      <div className={css.names} style={{ width: names }} aria-hidden="true">
        <span className={css.name} style={{ paddingLeft: 8 }}>
          <Turn row={row} onTurn={onTurn} />
          <span className={css.service}>
            <NodeIcon kind={kindOf(row.service.type)} size={16} />
          </span>
          {worst && <Mark outcome={worst.outcome} />}
          <span className={`${css.strong} ${css.word}`}>{nodeTitle(row.service)}</span>
          <span className={css.note}>{shortType(row.service.type)}</span>
          {row.service.inferred && <span className={css.chip}>inferred</span>}
          <span className={css.hidden}>{count(row.segments.length)}×</span>
        </span>
        <span className={css.figure}>{duration(row.segments.reduce((sum, span) => sum + span.end - span.start, 0))}</span>
        <span className={`${css.figure} ${css.own}`}>{duration(row.own)}</span>
      </div>
      <ServiceBars row={row} trace={trace} view={view} width={time} />
    </div>
  )
})

/** Folds and unfolds, for the pointer; keys have the arrows. */
function Turn({ row, onTurn }: { row: Row; onTurn: (key: string) => void }) {
  if (!row.holds) return <span className={css.turn} />
  return (
    <span
      className={`${css.turn} ${row.folded ? '' : css.unfolded}`}
      data-turn={row.key}
      onClick={(event) => {
        event.stopPropagation()
        onTurn(row.key)
      }}
    >
      <Icon name="right" size={13} />
    </span>
  )
}

export function colourOf(colours: ReadonlyMap<string, number>, key: string): string {
  return css[`s${colours.get(key) ?? 0}`] ?? ''
}

/** skewText says how much a clock is off. */
export function skewText({ span, caller, least, most }: Skew): string {
  const amount = `${duration(Math.abs(least))}${Math.abs(most) - Math.abs(least) > 0.001 ? ` to ${duration(Math.abs(most))}` : ' or more'}`
  return least > 0
    ? `It says that it began ${duration(least)} before ${caller.segment.service.name} called it: the clock of ${span.service.name} is behind that of ${caller.service.name} by ${amount}.`
    : `It says that it ended ${duration(-least)} after ${caller.segment.service.name} had the answer: the clock of ${span.service.name} is ahead of that of ${caller.service.name} by ${amount}, or it went on after answering.`
}

/** spoken is a row in words. */
function spoken(span: Span, { trace, skews }: Drawing): string {
  const title = titleOf(span)
  const skew = skews.get(span.index)
  return [
    span.segment === span ? `${span.service.name}, ${shortType(span.service.type) || 'service'}` : title.name,
    title.note,
    span.outcome !== 'ok' ? outcomeNames[span.outcome] : null,
    span.status !== null ? `status ${span.status}` : null,
    span.open ? 'in progress' : `${duration(span.end - span.start)}, ${duration(ownTime(span))} of its own`,
    `from ${duration(span.start - trace.start)}`,
    span.inferred || standIn(span) ? 'inferred' : null,
    skew ? 'its clock differs' : null,
    span.missing ? 'its caller is not there' : null,
  ]
    .filter(Boolean)
    .join(', ')
}
