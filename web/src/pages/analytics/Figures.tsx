import type { AnalysisSet } from '../../api/analysis'
import { duration, percent } from '../../model/format'
import { Mark } from '../../ui/Outcomes'
import { figureRows, type FigureRow } from './model'
import css from './analytics.module.css'

/** The figures of both sets beside each other. */
export function FiguresTable({ a, b, measure }: { a: AnalysisSet; b: AnalysisSet; measure: 'ResponseTime' | 'Duration' }) {
  const rows = figureRows(a, b, measure)
  return (
    <table className={css.figures}>
      <caption className="hidden-visually">How the traces of both sets ended, and how long they took</caption>
      <thead>
        <tr>
          <td />
          <th scope="col" className={css.textA}>
            A
          </th>
          <th scope="col" className={css.textB}>
            B
          </th>
          <th scope="col">A to B</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.label}>
            <th scope="row">
              {row.outcome && <Mark outcome={row.outcome} />}
              {row.label}
            </th>
            <td>{figure(row, row.a)}</td>
            <td>{figure(row, row.b)}</td>
            <td className="quiet">{differenceText(row)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function figure(row: FigureRow, value: number | null): string {
  if (value === null) return '–'
  return row.unit === 'time' ? duration(value) : percent(value)
}

/** Shares differ in percentage points, times by a factor. */
function differenceText({ unit, difference }: FigureRow): string {
  if (difference === null) return ''
  if (unit === 'time') return difference === 0 ? '' : `${difference >= 10 ? difference.toFixed(0) : difference.toFixed(difference >= 1 ? 1 : 2)}×`
  const points = difference * 100
  if (Math.abs(points) < 0.05) return '±0 pp'
  return `${points > 0 ? '+' : '−'}${Math.abs(points) >= 10 ? Math.abs(points).toFixed(0) : Math.abs(points).toFixed(1)} pp`
}
