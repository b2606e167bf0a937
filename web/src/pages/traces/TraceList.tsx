import { useVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useImperativeHandle, useRef, type KeyboardEvent, type ReactNode, type Ref } from 'react'
import type { Measure } from '../../api/analysis'
import type { Seconds } from '../../api/xray'
import { count, duration } from '../../model/format'
import { moment, when } from '../../model/time'
import { Icon } from '../../ui/Icon'
import { OutcomeBadge } from '../../ui/Outcomes'
import { traceLink, urlParts, type ColumnId, type Row } from './model'
import type { Order } from './search'
import css from './traces.module.css'

export interface ListHandle {
  /** Goes so many rows down, or up. */
  step: (by: number) => void
  openActive: () => void
  checkActive: () => void
  focus: () => void
}

interface TraceListProps {
  label: string
  rows: readonly Row[]
  /** All rows that there are, if that is known. */
  total: number | null
  columns: readonly ColumnId[]
  order: Order
  measure: Measure
  /** What a full bar is, in seconds. */
  scale: Seconds
  onOrder?: ((order: Order) => void) | undefined
  checked: readonly string[]
  onCheck: (id: string) => void
  active: number
  onActive: (index: number) => void
  onOpen: (id: string) => void
  /** Rows up to this one are seen. */
  onSeen: (index: number) => void
  stale: boolean
  foot: ReactNode
  handle: Ref<ListHandle>
}

const rowHeight = 30

const datedWidth = '156px'

interface ColumnSpec {
  head: string
  /** What stands at the head where there is little room. */
  short?: string
  width: string
  least: number
  figures?: boolean
  cell: (row: Row, props: TraceListProps) => ReactNode
}

/** The columns; those without `order` the server keeps no order by. */
export const columnSpecs: Record<ColumnId, ColumnSpec> = {
  time: { head: 'Time', width: '104px', least: 104, cell: (row) => <span title={moment(row.start)}>{when(row.start)}</span> },
  outcome: { head: 'Outcome', width: '82px', least: 82, cell: (row) => (row.ending === 'rootless' ? <span className={css.rootless}>no root yet</span> : <OutcomeBadge outcome={row.ending} />) },
  duration: { head: 'Duration', width: '132px', least: 132, cell: (row, props) => <Bar seconds={row.duration} row={row} scale={props.measure === 'Duration' ? props.scale : null} /> },
  response: { head: 'Response', width: '132px', least: 132, cell: (row, props) => <Bar seconds={row.response} row={row} scale={props.measure === 'ResponseTime' ? props.scale : null} /> },
  method: { head: 'Method', width: '52px', least: 52, cell: (row) => row.method },
  status: { head: 'Status', width: '44px', least: 44, figures: true, cell: (row) => row.status },
  entry: { head: 'Entry service', width: 'minmax(100px, 0.6fr)', least: 100, cell: (row) => row.entry && <span title={row.entry}>{row.entry}</span> },
  url: { head: 'URL', width: 'minmax(140px, 1.5fr)', least: 140, cell: (row) => row.url && <Url row={row} /> },
  user: { head: 'User', width: 'minmax(48px, 0.3fr)', least: 48, cell: (row) => row.users.length > 0 && <span title={row.users.join(', ')}>{row.users.join(', ')}</span> },
  annotations: { head: 'Annotations', short: 'Annot.', width: '48px', least: 48, figures: true, cell: (row) => count(row.annotations) },
  services: { head: 'Services', width: '62px', least: 62, figures: true, cell: (row) => count(row.services) },
  ip: { head: 'Client IP', width: '110px', least: 110, cell: (row) => row.clientIp },
  id: { head: 'Trace', width: 'minmax(84px, 0.5fr)', least: 84, cell: (row) => <code title={row.id}>{row.id}</code> },
}

/** A grid of any number of traces, of which those in sight are drawn. */
export function TraceList(props: TraceListProps) {
  const { label, rows, total, columns, order, measure, onOrder, checked, onCheck, active, onActive, onOpen, onSeen, stale, foot, handle } = props
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 14, scrollPaddingStart: rowHeight, scrollPaddingEnd: rowHeight })
  const items = virtual.getVirtualItems()
  const last = items.at(-1)?.index ?? 0
  useEffect(() => {
    onSeen(last)
  }, [last, rows.length]) // eslint-disable-line react-hooks/exhaustive-deps
  const go = (index: number) => {
    if (rows.length === 0) return
    const to = Math.min(rows.length - 1, Math.max(0, index))
    onActive(to)
    virtual.scrollToIndex(to)
    scroller.current?.focus({ preventScroll: true })
  }
  const at = rows[active]
  useImperativeHandle(handle, () => ({
    step: (by) => go(active < 0 ? (by > 0 ? 0 : rows.length - 1) : active + by),
    openActive: () => at && onOpen(at.id),
    checkActive: () => at && onCheck(at.id),
    focus: () => scroller.current?.focus(),
  }))
  const onKeyDown = (event: KeyboardEvent<HTMLDivElement>) => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey) return
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 300) / rowHeight) - 2)
    const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: rows.length - 1 }[event.key]
    if (to !== undefined) go(to)
    else if (event.key === 'Enter' && at) onOpen(at.id)
    else if (event.key === ' ' && at) onCheck(at.id)
    else return
    event.preventDefault()
  }
  // Times of other days have the day in front.
  const dated = [rows[0], rows.at(-1)].some((row) => row && when(row.start).includes(','))
  const template = { gridTemplateColumns: `30px ${columns.map((id) => (id === 'time' && dated ? datedWidth : columnSpecs[id].width)).join(' ')}` }
  const least = (dated ? 112 : 60) + columns.reduce((sum, id) => sum + columnSpecs[id].least + 10, 0)
  return (
    <div className={css.gridFrame}>
      <div
        ref={scroller}
        className={`${css.grid} ${stale ? 'stale' : ''}`}
        role="grid"
        aria-label={label}
        aria-rowcount={total === null ? -1 : total + 1}
        aria-colcount={columns.length + 1}
        aria-busy={stale}
        tabIndex={0}
        {...(at && items.some((item) => item.index === active) ? { 'aria-activedescendant': `trace-${at.id}` } : {})}
        onKeyDown={onKeyDown}
      >
        <div role="rowgroup" className={css.gridHead} style={{ minWidth: least }}>
          <div role="row" aria-rowindex={1} className={css.row} style={template}>
            <div role="columnheader" className={css.cell}>
              <span className="hidden-visually">To compare</span>
            </div>
            {columns.map((id) => (
              <Head key={id} id={id} order={order} measure={measure} onOrder={onOrder} />
            ))}
          </div>
        </div>
        <div role="rowgroup" className={css.rows} style={{ height: virtual.getTotalSize(), minWidth: least }}>
          {items.map((item) => {
            const row = rows[item.index]!
            const marked = checked.includes(row.id)
            return (
              <div
                key={row.id}
                id={`trace-${row.id}`}
                role="row"
                aria-rowindex={item.index + 2}
                aria-selected={marked}
                className={`${css.row} ${css.dataRow} ${item.index === active ? css.activeRow : ''} ${marked ? css.checkedRow : ''}`}
                style={{ ...template, transform: `translateY(${item.start}px)` }}
                onClick={() => {
                  onActive(item.index)
                  onOpen(row.id)
                }}
              >
                <div role="gridcell" className={css.cell} onClick={(event) => event.stopPropagation()}>
                  <input type="checkbox" tabIndex={-1} aria-label={`Compare ${row.id}`} checked={marked} onChange={() => onCheck(row.id)} />
                </div>
                {columns.map((id, i) => {
                  const content = columnSpecs[id].cell(row, props)
                  return (
                    <div key={id} role="gridcell" className={`${css.cell} ${columnSpecs[id].figures ? css.right : ''}`}>
                      {id === 'id' || i === 0 ? (
                        <a
                          href={traceLink(row.id)}
                          tabIndex={-1}
                          onClick={(event) => {
                            // The row opens it, unless it is for another tab.
                            if (event.ctrlKey || event.metaKey || event.shiftKey) event.stopPropagation()
                            else event.preventDefault()
                          }}
                        >
                          {content}
                        </a>
                      ) : (
                        content
                      )}
                    </div>
                  )
                })}
              </div>
            )
          })}
        </div>
        <div className={css.listFoot}>{foot}</div>
      </div>
    </div>
  )
}

function Head({ id, order, measure, onOrder }: { id: ColumnId; order: Order; measure: Measure; onOrder: ((order: Order) => void) | undefined }) {
  const { head, short = head, figures } = columnSpecs[id]
  const timed = id === (measure === 'Duration' ? 'duration' : 'response')
  const className = `${css.cell} ${css.headCell} ${figures ? css.right : ''}`
  if (!onOrder || (id !== 'time' && !timed)) {
    return (
      <div role="columnheader" className={className} title={onOrder ? 'The server keeps no order by this. Refine by it instead.' : ''}>
        {short === head ? head : <abbr title={head}>{short}</abbr>}
      </div>
    )
  }
  const [down, up]: [Order, Order] = id === 'time' ? ['newest', 'oldest'] : ['slowest', 'fastest']
  const sorted = order === down ? 'descending' : order === up ? 'ascending' : undefined
  return (
    <div role="columnheader" aria-sort={sorted} className={className}>
      <button type="button" className={css.sort} onClick={() => onOrder(order === down ? up : down)}>
        {head}
        {sorted && (
          <span className={sorted === 'ascending' ? css.up : ''}>
            <Icon name="down" size={12} />
          </span>
        )}
      </button>
    </div>
  )
}

/** A URL with what tells it from others in front: its host is often that of the entry service. */
function Url({ row }: { row: Row }) {
  const { host, path } = urlParts(row.url!)
  return (
    <span title={row.url!}>
      {path}
      {host !== row.entry && host !== '' && <span className="quiet"> {host}</span>}
    </span>
  )
}

/** How long a trace took, beside a bar; one that is longer than the scale ends in a saw. */
function Bar({ seconds, row, scale }: { seconds: Seconds | null; row: Row; scale: Seconds | null }) {
  if (seconds === null) return <span className="quiet">{row.partial ? 'goes on' : '–'}</span>
  return (
    <span className={css.time}>
      <span className={css.took}>{duration(seconds)}</span>
      {scale !== null && (
        <span className={css.track}>
          <span className={`${css.length} ${css[`length-${row.ending}`]} ${seconds > scale ? css.beyond : ''}`} style={{ width: `${Math.min(1, seconds / scale) * 100}%` }} />
        </span>
      )}
    </span>
  )
}
