import { Link } from '@tanstack/react-router'
import { useRef, useState, type Ref } from 'react'
import type { AnalysisDot, AnalysisSet } from '../../api/analysis'
import type { Window } from '../../api/xray'
import { count, duration, plural } from '../../model/format'
import { linear, log, logTicks } from '../../model/scale'
import { clock, moment, timeTicks } from '../../model/time'
import { useWidth } from '../../ui/chart/useSize'
import { countsFigures, type SetName } from './model'
import css from './analytics.module.css'

interface ScatterProps {
  name: SetName
  set: AnalysisSet
  window: Window
  /** The span of times of both sets, so that they can be compared. */
  low: number
  high: number
  measure: string
  height?: number
}

const margin = { top: 8, right: 12, bottom: 20, left: 44 }

/** When the traces of a set began and how long they took. A dot leads to its trace. */
export function Scatter({ name, set, window, low, high, measure, height = 220 }: ScatterProps) {
  const [ref, width] = useWidth<HTMLDivElement>()
  const [hovered, setHovered] = useState<AnalysisDot | null>(null)
  const link = useRef<HTMLAnchorElement>(null)
  const inner = Math.max(0, width - margin.left - margin.right)
  const bottom = height - margin.bottom
  const x = linear(window.start, window.end)
  const y = log(Math.max(low, 0.001), Math.max(high, low * 1.5, 0.002))
  const px = (at: number) => margin.left + Math.min(1, Math.max(0, x.at(at))) * inner
  const py = (seconds: number) => bottom - Math.min(1, y.at(seconds)) * (bottom - margin.top)
  const figures = countsFigures(set)
  const letter = name.toUpperCase()
  const slowest = [...set.Dots].sort((a, b) => b.Seconds - a.Seconds).slice(0, 3)
  const nearest = (left: number, top: number): AnalysisDot | null => {
    let best: AnalysisDot | null = null
    let least = 14
    for (const dot of set.Dots) {
      const distance = Math.hypot(px(dot.Time) - left, py(dot.Seconds) - top)
      if (distance < least) [best, least] = [dot, distance]
    }
    return best
  }
  return (
    <div className={css.scatter}>
      <h3 className={name === 'a' ? css.textA : css.textB}>{letter}</h3>
      <div ref={ref} className={css.chart}>
        {width > 0 && (
          <svg
            width={width}
            height={height}
            role="img"
            aria-label={`${measure} of ${letter} over time: ${plural(set.Dots.length, 'dot')}, ${count(figures.fault)} faults, slowest ${duration(slowest[0]?.Seconds)}`}
            className={hovered ? css.pointing : undefined}
            onPointerMove={(event) => {
              const box = event.currentTarget.getBoundingClientRect()
              setHovered(nearest(event.clientX - box.left, event.clientY - box.top))
            }}
            onPointerLeave={() => setHovered(null)}
            onClick={() => link.current?.click()}
          >
            {logTicks(Math.max(low, 0.001), Math.max(high, 0.002), 5).map((value) => (
              <g key={value}>
                <line className={css.grid} x1={margin.left} x2={width - margin.right} y1={py(value)} y2={py(value)} />
                <text className={css.tick} x={margin.left - 5} y={py(value) + 3.5} textAnchor="end">
                  {duration(value)}
                </text>
              </g>
            ))}
            {set.Dots.map((dot) => (
              <circle key={dot.Id} className={css[`dot_${dot.Outcome}`]} cx={px(dot.Time)} cy={py(dot.Seconds)} r={dot.Count === 1 ? 2.6 : Math.min(8, 2.4 + Math.log2(dot.Count) * 0.55)} />
            ))}
            {hovered && <circle className={css.ring} cx={px(hovered.Time)} cy={py(hovered.Seconds)} r={7} />}
            <line className={css.axis} x1={margin.left} x2={width - margin.right} y1={bottom} y2={bottom} />
            {timeTicks(window, Math.max(2, inner / 80)).map((at) => (
              <text key={at} className={css.tick} x={px(at)} y={height - 5} textAnchor="middle">
                {clock(at, window.end)}
              </text>
            ))}
          </svg>
        )}
        <p className={css.caption}>
          {hovered ? (
            <>
              {moment(hovered.Time)}, {duration(hovered.Seconds)}, {hovered.Outcome}
              {hovered.Count > 1 ? `, and ${plural(hovered.Count - 1, 'faster one')} near it` : ''}
            </>
          ) : set.AllDots ? (
            'Each dot is a trace'
          ) : (
            'A dot is the slowest of some traces near each other; no failure and no outlier is left out'
          )}
        </p>
        {hovered && (
          <TraceLink id={hovered.Id} handle={link} hidden>
            the trace
          </TraceLink>
        )}
      </div>
      {slowest.length > 0 && (
        <p className={css.slowest}>
          The slowest:{' '}
          {slowest.map((dot) => (
            <TraceLink key={dot.Id} id={dot.Id}>
              {duration(dot.Seconds)}
            </TraceLink>
          ))}
        </p>
      )}
    </div>
  )
}

function TraceLink({ id, hidden = false, handle, children }: { id: string; hidden?: boolean; handle?: Ref<HTMLAnchorElement>; children: string }) {
  return (
    <Link to="/traces/$trace" params={{ trace: id }} ref={handle ?? null} hidden={hidden} title={id}>
      {children}
    </Link>
  )
}
