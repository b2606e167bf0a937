import { useMemo, useRef, type PointerEvent } from 'react'
import { duration } from '../../model/format'
import { outcomes, outcomeNames } from '../../model/outcome'
import type { CriticalPath } from './model/critical'
import { strip } from './model/looks'
import type { Trace } from './model/tree'
import { clamp, isWhole } from './model/view'
import type { Zoom } from './useZoom'
import css from './trace.module.css'

const height = 48

interface OverviewProps {
  trace: Trace
  critical: CriticalPath | null
  /** Where the segments begin that a search found, in seconds behind the start. */
  hits: readonly number[]
  zoom: Zoom
}

type Grip = 'new' | 'from' | 'to' | 'all'

/** The whole trace in a strip. Dragging over it chooses what part of the time the waterfall shows. */
export function Overview({ trace, critical, hits, zoom }: OverviewProps) {
  const { view, all, setView } = zoom
  const length = all.to - all.from
  const share = (trace.end - trace.start) / length
  const drawn = useMemo(() => {
    const lines = Math.min(trace.spans.length, height)
    const thick = Math.max(1.5, Math.min(5, (height / Math.max(1, lines)) * 0.7))
    const blocks = strip(trace, lines)
    return outcomes.map((outcome) => ({
      outcome,
      path: blocks
        .filter((block) => block.outcome === outcome)
        .map((block) => {
          const width = Math.max(0.0015, (block.to - block.from) * share) * 1000
          return `M${(block.from * share * 1000).toFixed(1)} ${(4 + (block.line / Math.max(1, lines)) * (height - 8)).toFixed(1)}h${width.toFixed(1)}v${thick.toFixed(1)}h${(-width).toFixed(1)}z`
        })
        .join(''),
    }))
  }, [trace, share])
  const way = useMemo(
    () =>
      critical?.steps
        .filter((step) => step.to - step.from > length / 4000)
        .map((step) => `M${(((step.from - trace.start) / length) * 1000).toFixed(1)} ${height - 1.5}h${(((step.to - step.from) / length) * 1000).toFixed(1)}`)
        .join('') ?? '',
    [critical, trace, length],
  )
  const grip = useRef<{ kind: Grip; at: number; from: number; to: number } | null>(null)
  const box = useRef<SVGSVGElement>(null)
  const place = (event: PointerEvent) => {
    const { left, width } = box.current!.getBoundingClientRect()
    return all.from + Math.min(1, Math.max(0, (event.clientX - left) / width)) * length
  }
  const down = (event: PointerEvent<SVGSVGElement>) => {
    if (event.button !== 0) return
    const at = place(event)
    const near = (8 / box.current!.clientWidth) * length
    const zoomed = !isWhole(view, all)
    const kind: Grip = zoomed && Math.abs(at - view.from) < near ? 'from' : zoomed && Math.abs(at - view.to) < near ? 'to' : zoomed && at > view.from && at < view.to ? 'all' : 'new'
    event.currentTarget.setPointerCapture(event.pointerId)
    grip.current = { kind, at, from: view.from, to: view.to }
  }
  const move = (event: PointerEvent<SVGSVGElement>) => {
    const held = grip.current
    if (!held) return
    const at = place(event)
    if (held.kind === 'new') {
      // Some pixels are a click, which changes nothing.
      if (Math.abs(at - held.at) > (3 / box.current!.clientWidth) * length) setView({ from: Math.min(at, held.at), to: Math.max(at, held.at) })
    } else if (held.kind === 'from') setView({ from: Math.min(at, held.to - length * 1e-6), to: held.to })
    else if (held.kind === 'to') setView({ from: held.from, to: Math.max(at, held.from + length * 1e-6) })
    else setView(clamp({ from: held.from + at - held.at, to: held.to + at - held.at }, all))
  }
  const up = () => {
    grip.current = null
  }
  const from = ((view.from - all.from) / length) * 1000
  const to = ((view.to - all.from) / length) * 1000
  const failed = trace.spans.filter((span) => span.outcome !== 'ok').length
  return (
    <svg
      ref={box}
      className={css.overview}
      viewBox={`0 0 1000 ${height}`}
      height={height}
      preserveAspectRatio="none"
      role="img"
      aria-label={`The whole trace: ${trace.spans.length} segments and subsegments in ${duration(trace.end - trace.start)}, ${failed} of them ${outcomeNames.fault.split(' ')[0]!.toLowerCase()}s or errors. Shown is ${duration(view.from)} to ${duration(view.to)}.`}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onDoubleClick={() => setView(all)}
    >
      {drawn.map(({ outcome, path }) => path && <path key={outcome} className={css[`strip-${outcome}`]} d={path} />)}
      {way && <path className={css.stripPath} d={way} vectorEffect="non-scaling-stroke" />}
      {hits.slice(0, 500).map((at, i) => (
        <path key={i} className={css.stripHit} d={`M${((at / length) * 1000).toFixed(1)} 0v5`} vectorEffect="non-scaling-stroke" />
      ))}
      {!isWhole(view, all) && (
        <>
          <rect className={css.shade} x={0} y={0} width={from} height={height} />
          <rect className={css.shade} x={to} y={0} width={Math.max(0, 1000 - to)} height={height} />
          <path className={css.grip} d={`M${from} 0v${height}M${to} 0v${height}`} vectorEffect="non-scaling-stroke" />
        </>
      )}
    </svg>
  )
}
