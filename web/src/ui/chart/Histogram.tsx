import { useMemo, useState } from 'react'
import type { HistogramEntry, Seconds } from '../../api/xray'
import { count, duration, percent } from '../../model/format'
import { barsOf, countBetween, countOf, percentile, shareOf, type Bar } from '../../model/histogram'
import { linear, log, logTicks, roundTicks } from '../../model/scale'
import { Chart, useRoom, type Axis, type Selection } from './Chart'
import css from './chart.module.css'

/** Requests, or traces, by how long they took. */
export interface Times {
  /** What they are called where there are several sets. */
  name: string
  entries: readonly HistogramEntry[]
  /** Shares of them that took no longer: lines with what is written at them. */
  percentiles: readonly number[]
}

interface HistogramProps {
  label: string
  /** What is counted. */
  things: 'requests' | 'traces'
  /** One set, in bars, or two: the second is a line over the first, so that nobody depends on colours. */
  sets: readonly [Times] | readonly [Times, Times]
  selection: Selection | null
  /** Called with what was dragged over, widened to whole bars; null where it was only clicked. */
  onSelect: (selection: Selection | null) => void
  within?: Selection | null
  height?: number
}

/** How long requests took: the share of them in each bar, of each set. */
export function Histogram({ label, things, sets, selection, onSelect, within = null, height = 150 }: HistogramProps) {
  const [hovered, setHovered] = useState<number | null>(null)
  const room = useRoom(height, { top: 16 })
  const [first, second] = sets
  const { bars, scale: kind } = useMemo(() => barsOf(second ? [first.entries, second.entries] : [first.entries], Math.max(8, Math.floor(room.wide / 6)), within ?? undefined), [first.entries, second?.entries, room.wide, within]) // eslint-disable-line react-hooks/exhaustive-deps
  const totals = sets.map((set) => countOf(set.entries))
  const part = (bar: Bar, set: number) => shareOf(bar.counts[set] ?? 0, totals[set] ?? 0)
  const low = bars[0]?.low ?? 0
  const high = bars.at(-1)?.high ?? 1
  const most = Math.max(0.0001, ...bars.flatMap((bar) => sets.map((_, set) => part(bar, set))))
  const x: Axis =
    kind === 'log'
      ? { scale: log(Math.max(low, 0.001), high), ticks: logTicks(Math.max(low, 0.001), high, room.wide / 50), write: duration }
      : { scale: linear(low, high), ticks: roundTicks(low, high, room.wide / 60), write: duration }
  const y: Axis = { scale: linear(0, most), ticks: roundTicks(0, most, 3), write: percent }
  const several = second !== undefined
  const written = (figure: (set: number) => string) => sets.map((set, i) => (several ? `${set.name} ${figure(i)}` : figure(i))).join('; ')
  const bar = hovered === null ? undefined : bars[hovered]
  return (
    <Chart
      room={room}
      label={several ? `${label}. ${sets.map((set) => `${set.name}: ${describe(set.entries, things)}`).join('. ')}` : `${label}: ${describe(first.entries, things)}`}
      x={x}
      y={y}
      empty={bars.length === 0}
      selection={selection}
      onSelect={(span) => {
        const from = span && (bars.find((one) => one.high > span.low) ?? bars[0])
        const to = span && (bars.findLast((one) => one.low < span.high) ?? bars.at(-1))
        onSelect(from && to ? { low: from.low, high: to.high } : null)
      }}
      onPoint={(value) => setHovered(value === null ? null : bars.findIndex((one) => value >= one.low && value < one.high))}
      caption={(chosen) =>
        bar
          ? `${duration(bar.low)} – ${duration(bar.high)}: ${written((set) => `${count(bar.counts[set]!)}, ${percent(part(bar, set))}`)}`
          : chosen
            ? `${duration(chosen.low)} – ${duration(chosen.high)}: ${written((set) => `${count(countBetween(sets[set]!.entries, chosen.low, chosen.high))} of ${count(totals[set]!)}`)}`
            : 'Drag to choose a range'
      }
    >
      {({ px, py }, chosen) => (
        <g className={several ? css.several : undefined}>
          {bars.map((one, i) => {
            if (one.counts[0] === 0) return null
            const left = px(one.low)
            const inside = !chosen || (one.high > chosen.low && one.low < chosen.high)
            const top = Math.min(py(part(one, 0)), room.bottom - 1.5)
            return <rect key={one.low} className={`${css.bar} ${inside ? '' : css.outside} ${hovered === i ? css.hovered : ''}`} x={left} width={Math.max(1.5, px(one.high) - left - 1)} y={top} height={room.bottom - top} />
          })}
          {totals[1] !== undefined && totals[1] > 0 && <path className={css.outline} d={`M${px(low)} ${room.bottom}${bars.map((one) => `V${py(part(one, 1)).toFixed(1)}H${px(one.high).toFixed(1)}`).join('')}V${room.bottom}`} />}
          {sets.map((set, i) => (
            <Percentiles key={i} set={set} row={i} px={px} low={low} high={high} right={room.right} top={room.top} bottom={room.bottom} />
          ))}
        </g>
      )}
    </Chart>
  )
}

/** Lines at percentiles. What has no room at its line stands before it, or is left out. */
function Percentiles({ set, row, px, low, high, right, top, bottom }: { set: Times; row: number; px: (value: number) => number; low: Seconds; high: Seconds; right: number; top: number; bottom: number }) {
  const lines = set.percentiles.flatMap((of) => {
    const value = percentile(set.entries, of)
    return value === null || value < low || value > high ? [] : [{ of, at: px(value), text: `p${of * 100} ${set.name}`.trim() }]
  })
  return (
    <g className={row === 0 ? css.percentiles : `${css.percentiles} ${css.second}`}>
      {lines.map(({ of, at, text }, i) => {
        const width = text.length * 6 + 6
        const room = (lines[i + 1]?.at ?? right) - at
        const before = at - (lines[i - 1]?.at ?? 0)
        const end = room < width
        return (
          <g key={of}>
            <line x1={at} x2={at} y1={top - 8 + row * 8} y2={bottom} />
            {(!end || before > width) && (
              <text x={at + (end ? -3 : 3)} y={top - 6 + row * 11} textAnchor={end ? 'end' : 'start'}>
                {text}
              </text>
            )}
          </g>
        )
      })}
    </g>
  )
}

function describe(entries: readonly HistogramEntry[], things: string): string {
  const total = countOf(entries)
  return total === 0 ? `no ${things}` : `${count(total)} ${things}, ${[0.5, 0.9, 0.99].map((of) => `p${of * 100} ${duration(percentile(entries, of))}`).join(', ')}`
}
