import { useMemo, useState, type ReactNode } from 'react'
import { Icon } from './Icon'
import css from './Table.module.css'

export interface Column<Row> {
  id: string
  head: string
  /** The head is read aloud only: what is below it speaks for itself. */
  hiddenHead?: boolean
  cell: (row: Row) => ReactNode
  /** By what rows are sorted; a column without it is not. */
  sort?: (row: Row) => number | string
  /** Figures stand at the right. */
  figures?: boolean
  /** The cell names its row: it is read with each of the others. */
  names?: boolean
}

interface TableProps<Row> {
  label: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  rowKey: (row: Row) => string
  /** The column that sorts at first, and whether downward. */
  sorted?: { column: string; down: boolean }
  selected?: string | undefined
  /** It stands by itself on a page. */
  framed?: boolean
  /** What is said of it, below. */
  foot?: ReactNode
}

/** A table whose heads sort it. For thousands of rows, see the list of traces. */
export function Table<Row>({ label, columns, rows, rowKey, sorted, selected, framed = false, foot }: TableProps<Row>) {
  const [order, setOrder] = useState(sorted ?? null)
  const shown = useMemo(() => {
    const by = columns.find((column) => column.id === order?.column)?.sort
    if (!by || !order) return rows
    const turn = order.down ? -1 : 1
    return [...rows].sort((a, b) => {
      const x = by(a)
      const y = by(b)
      return turn * (typeof x === 'string' && typeof y === 'string' ? x.localeCompare(y) : Number(x) - Number(y))
    })
  }, [rows, columns, order])
  return (
    <div className={`${css.scroll} ${framed ? css.framed : ''}`} tabIndex={0} role="region" aria-label={label}>
      <table className={css.table}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.id} scope="col" className={column.figures ? css.figures : ''} aria-sort={order?.column === column.id ? (order.down ? 'descending' : 'ascending') : undefined}>
                {column.sort ? (
                  <button type="button" className={css.sort} onClick={() => setOrder({ column: column.id, down: order?.column === column.id ? !order.down : Boolean(column.figures) })}>
                    {column.head}
                    <span className={`${css.arrow} ${order?.column === column.id ? (order.down ? css.down : css.up) : ''}`}>
                      <Icon name="down" size={12} />
                    </span>
                  </button>
                ) : column.hiddenHead ? (
                  <span className="hidden-visually">{column.head}</span>
                ) : (
                  column.head
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => {
            const key = rowKey(row)
            return (
              <tr key={key} className={key === selected ? css.selected : ''}>
                {columns.map((column) =>
                  column.names ? (
                    <th key={column.id} scope="row">
                      {column.cell(row)}
                    </th>
                  ) : (
                    <td key={column.id} className={column.figures ? css.figures : ''}>
                      {column.cell(row)}
                    </td>
                  ),
                )}
              </tr>
            )
          })}
        </tbody>
      </table>
      {foot && <p className={`note ${css.foot}`}>{foot}</p>}
    </div>
  )
}
