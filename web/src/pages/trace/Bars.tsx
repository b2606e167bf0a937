import { duration } from '../../model/format'
import type { CriticalPath } from './model/critical'
import type { ServiceRow } from './model/rows'
import type { Skew } from './model/skew'
import type { Interval, Span, Trace } from './model/tree'
import type { View } from './search'
import css from './trace.module.css'

interface BarsProps {
  span: Span
  /** The inferred segment that is shown with its call. */
  stand: Span | null
  /** The class of its colour. */
  colour: string
  trace: Trace
  view: View
  /** of the time, in pixels */
  width: number
  critical: CriticalPath | null
  skew: Skew | undefined
  folded: boolean
}

/** A part of the axis in pixels; null if it is not in sight. */
function place(interval: Interval, trace: Trace, view: View, width: number): { left: number; width: number } | null {
  const scale = width / (view.to - view.from)
  const left = (interval.from - trace.start - view.from) * scale
  const right = (interval.to - trace.start - view.from) * scale
  if (right < -1 || left > width + 1) return null
  // Nothing is drawn wider than twice the screen: browsers lose precision there.
  const from = Math.max(-width, left)
  return { left: from, width: Math.max(1.5, Math.min(2 * width, right) - from) }
}

/** A bar is solid where the span itself worked, and light where it waited for others, up to so many children. */
const mostParts = 200

export function Bars({ span, stand, colour, trace, view, width, critical, skew, folded }: BarsProps) {
  const at = place({ from: span.start, to: span.open ? Math.max(span.end, trace.end) : span.end }, trace, view, width)
  const look = `${css.bar} ${span.segment === span ? '' : css.thin} ${css[`bar-${span.outcome}`]} ${span.inferred || stand ? css.hatched : ''} ${span.open ? css.openBar : ''} ${colour}`
  const parts = span.children.length > 0 && span.children.length <= mostParts && !stand && !span.open ? ownParts(span) : null
  const way = critical ? [...(critical.bySpan.get(span.index) ?? []), ...((stand && critical.bySpan.get(stand.index)) ?? [])] : []
  const label = span.open ? 'in progress' : duration(span.end - span.start)
  const room = label.length * 6.6 + 10
  const end = at ? at.left + at.width : 0
  const side = !at ? null : end + room < width ? { left: Math.max(0, end) + 5 } : at.left > room ? { left: Math.min(width, at.left) - room + 4 } : null
  return (
    <div className={css.time} style={{ width }} aria-hidden="true">
      {!folded && <Gap gap={span.before} span={span} trace={trace} view={view} width={width} room={side && at && side.left < at.left ? room : 0} />}
      {!folded && <Gap gap={span.behind} span={span} trace={trace} view={view} width={width} behind room={side && side.left > end ? room : 0} />}
      {at ? (
        <>
          <span className={`${look} ${parts ? css.waits : ''}`} style={at} />
          {parts?.map((part) => {
            const own = place(part, trace, view, width)
            return own && <span key={part.from} className={`${look} ${css.part}`} style={own} />
          })}
          {skew && <CallerMark skew={skew} trace={trace} view={view} width={width} />}
          {way.map((step) => {
            const drawn = place(step, trace, view, width)
            return drawn && <span key={step.from} className={css.critical} style={drawn} />
          })}
          {side ? (
            <span className={css.label} style={side}>
              {label}
            </span>
          ) : (
            <span className={`${css.label} ${css.within}`} style={{ left: Math.max(0, at.left) + 6 }}>
              {label}
            </span>
          )}
        </>
      ) : (
        <span className={css.away} style={span.end - trace.start < view.from ? { left: 2 } : { right: 2 }}>
          {span.end - trace.start < view.from ? '‹' : '›'}
        </span>
      )}
    </div>
  )
}

/** ownParts are where none of the children ran. */
function ownParts(span: Span): Interval[] {
  const parts: Interval[] = []
  let at = span.start
  for (const child of span.children) {
    if (child.start > at) parts.push({ from: at, to: Math.min(child.start, span.end) })
    at = Math.max(at, child.end)
    if (at >= span.end) break
  }
  if (at < span.end) parts.push({ from: at, to: span.end })
  return parts
}

/** Time before or behind a span in which its parent did nothing that is recorded. The duration of the bar may stand in it, and takes room. */
function Gap({ gap, span, trace, view, width, room, behind = false }: { gap: Interval | null; span: Span; trace: Trace; view: View; width: number; room: number; behind?: boolean }) {
  const at = gap && place(gap, trace, view, width)
  if (!gap || !at || at.width < 10) return null
  const text = duration(gap.to - gap.from)
  const parent = span.parent!
  const way = parent.segment !== span.segment
  const left = Math.max(0, at.left) + (behind ? room : 0)
  const wide = Math.min(width, at.left + at.width) - left - (behind ? 0 : room)
  if (wide < 10) return null
  return (
    <span
      className={css.gap}
      data-gap={text}
      style={{ left, width: wide }}
      title={`${text} ${behind ? 'behind' : 'before'} it in which ${way ? 'it was on the way between the services, or waited' : `${parent.name} recorded nothing`}`}
    >
      {wide > text.length * 6 + 12 && <span>{text}</span>}
    </span>
  )
}

/** Where the call began, or ended, that a segment with another clock does not fit. */
function CallerMark({ skew, trace, view, width }: { skew: Skew; trace: Trace; view: View; width: number }) {
  const edge = skew.least > 0 ? skew.caller.start : skew.caller.end
  const other = skew.least > 0 ? skew.span.start : skew.span.end
  const at = place({ from: Math.min(edge, other), to: Math.max(edge, other) }, trace, view, width)
  return at && <span className={css.skew} style={at} />
}

/** All segments of a service, in one line. */
export function ServiceBars({ row, trace, view, width }: { row: ServiceRow; trace: Trace; view: View; width: number }) {
  // Where there are many, those that touch are one.
  const drawn: { left: number; right: number; outcome: Span['outcome']; inferred: boolean }[] = []
  for (const span of row.segments) {
    const at = place({ from: span.start, to: span.end }, trace, view, width)
    if (!at) continue
    const last = drawn.at(-1)
    if (last && row.segments.length > mostParts && at.left <= last.right + 0.5 && last.outcome === span.outcome) last.right = Math.max(last.right, at.left + at.width)
    else drawn.push({ left: at.left, right: at.left + at.width, outcome: span.outcome, inferred: span.inferred })
  }
  return (
    <div className={css.time} style={{ width }} aria-hidden="true">
      {drawn.map((one, i) => (
        <span key={i} className={`${css.bar} ${css[`bar-${one.outcome}`]} ${one.inferred ? css.hatched : ''}`} style={{ left: one.left, width: one.right - one.left }} />
      ))}
    </div>
  )
}
