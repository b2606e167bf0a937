import type { Window } from '../../api/xray'
import { outcomes } from '../../model/outcome'
import type { Bucket } from './OutcomeSeries'
import css from './chart.module.css'

interface SparkProps {
  label: string
  window: Window
  /** seconds of a bucket */
  step: number
  buckets: readonly Bucket[]
  width?: number
  height?: number
}

/** How many requests there were over time and how they ended, in the space of a word. */
export function Spark({ label, window, step, buckets, width = 120, height = 24 }: SparkProps) {
  const most = Math.max(1, ...buckets.map((bucket) => bucket.figures.total))
  const span = window.end - window.start
  const wide = Math.max(1, (width * step) / span - 0.5)
  return (
    <svg width={width} height={height} role="img" aria-label={label} className={css.spark}>
      <line className={css.grid} x1={0} x2={width} y1={height - 0.5} y2={height - 0.5} />
      {buckets.map((bucket) => {
        let base = height
        return outcomes.map((outcome) => {
          const n = bucket.figures[outcome]
          if (n === 0) return null
          const tall = Math.max(1, (n / most) * (height - 1))
          base -= tall
          return <rect key={`${bucket.start} ${outcome}`} className={css[outcome]} x={((bucket.start - window.start) / span) * width} y={base} width={wide} height={tall} />
        })
      })}
    </svg>
  )
}
