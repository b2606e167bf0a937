import { useState } from 'react'
import { count } from '../../model/format'
import { clock } from '../../model/time'
import type { RuleFigures } from './model'
import css from './sampling.module.css'

const width = 220
const height = 28
const slots = 60
const seconds = 10

/** Ten minutes in tens of seconds: requests, and of them those that were sampled and borrowed. */
export function Trend({ rule, windows, last }: { rule: string; windows: RuleFigures['windows']; last: number }) {
  const [hovered, setHovered] = useState<number | null>(null)
  const first = last - (slots - 1) * seconds
  const most = Math.max(1, ...windows.map((one) => one.requests))
  const wide = width / slots
  const shown = windows.filter((one) => one.start >= first)
  const sum = (of: (one: RuleFigures['windows'][number]) => number) => count(windows.reduce((all, one) => all + of(one), 0))
  const one = shown.find((window) => window.start === hovered)
  return (
    <span className={css.trend}>
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={`${rule}, the last ten minutes: ${sum((all) => all.requests)} requests, ${sum((all) => all.sampled)} sampled, ${sum((all) => all.borrowed)} borrowed`}
        onPointerMove={(event) => {
          const box = event.currentTarget.getBoundingClientRect()
          setHovered(first + Math.floor(((event.clientX - box.left) / box.width) * slots) * seconds)
        }}
        onPointerLeave={() => setHovered(null)}
      >
        <line className={css.base} x1={0} x2={width} y1={height - 0.5} y2={height - 0.5} />
        {shown.map((window) => {
          const left = ((window.start - first) / seconds) * wide
          const tall = (n: number) => Math.max(n > 0 ? 1.5 : 0, (n / most) * (height - 2))
          return (
            <g key={window.start} className={window.start === hovered ? css.hovered : ''}>
              <rect className={css.requests} x={left} width={wide - 0.8} y={height - tall(window.requests)} height={tall(window.requests)} />
              <rect className={css.sampled} x={left} width={wide - 0.8} y={height - tall(window.sampled)} height={tall(window.sampled)} />
              <rect className={css.borrowed} x={left} width={wide - 0.8} y={height - tall(window.borrowed)} height={tall(window.borrowed)} />
            </g>
          )
        })}
      </svg>
      {one && (
        <span className={css.bubble} aria-hidden="true">
          {clock(one.start)}: {count(one.requests)} requests, {count(one.sampled)} sampled, {count(one.borrowed)} borrowed
        </span>
      )}
    </span>
  )
}
