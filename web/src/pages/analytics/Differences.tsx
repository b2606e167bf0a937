import { Fragment, useState, type ReactNode } from 'react'
import type { Analysis } from '../../api/analysis'
import { count, percent, plural } from '../../model/format'
import { Button } from '../../ui/Button'
import { Block } from '../../ui/Card'
import { differenceRows, differingAttributes, groupRows, labelOf, times, type DifferenceRow } from './model'
import { RefineButtons } from './Refine'
import css from './analytics.module.css'

interface DifferencesProps {
  analysis: Analysis
  hidden: ReadonlySet<string>
  onHide: (hidden: ReadonlySet<string>) => void
}

const few = 15

/** The values by which the sets differ most, beyond chance. */
export function Differences({ analysis, hidden, onHide }: DifferencesProps) {
  const [all, setAll] = useState(false)
  const rows = differenceRows(analysis.Differences, hidden)
  const groups = groupRows(rows)
  const shown = all ? groups : groups.slice(0, few)
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const fold = (key: string) => {
    const next = new Set(open)
    if (!next.delete(key)) next.add(key)
    setOpen(next)
  }
  const attributes = differingAttributes(analysis.Differences)
  const most = Math.max(0.0001, ...rows.flatMap((row) => row.shares))
  const toggle = (attribute: string) => {
    const next = new Set(hidden)
    if (!next.delete(attribute)) next.add(attribute)
    onHide(next)
  }
  return (
    <Block title="What differs most" aside={analysis.Differences.length > 0 ? `${plural(analysis.Compared, 'value')} compared; listed is what chance does not explain, the surest first.` : ''}>
      {attributes.length > 0 && (
        <div className={css.toggles} role="group" aria-label="Attributes that are listed">
          {attributes.map(({ attribute, count: n }) => (
            <button key={attribute} type="button" className={css.toggle} aria-pressed={!hidden.has(attribute)} onClick={() => toggle(attribute)}>
              {labelOf(attribute)} <span className={css.badge}>{n}</span>
            </button>
          ))}
        </div>
      )}
      {rows.length === 0 ? (
        <p className={css.nothing}>
          {analysis.Differences.length > 0
            ? 'All that differs is of attributes that are not listed.'
            : `No value differs by more than chance explains. ${plural(analysis.Compared, 'value')} ${analysis.Compared === 1 ? 'was' : 'were'} compared.`}
        </p>
      ) : (
        <div className={css.scroll} tabIndex={0} role="region" aria-label="Values by which the sets differ">
          <table className={css.values}>
            <thead>
              <tr>
                <th scope="col">Value</th>
                <th scope="col" className={css.right}>
                  <span className={css.textA}>A</span>
                </th>
                <th scope="col" className={css.right}>
                  <span className={css.textB}>B</span>
                </th>
                <th scope="col" className={css.barsColumn}>
                  Shares
                </th>
                <th scope="col" className={css.right}>
                  As often
                </th>
                <td />
              </tr>
            </thead>
            <tbody>
              {shown.map(({ row, same }) => (
                <Fragment key={row.key}>
                  <Row row={row} most={most}>
                    {same.length > 0 && (
                      <button type="button" className={`word-button ${css.same}`} aria-expanded={open.has(row.key)} onClick={() => fold(row.key)}>
                        {open.has(row.key) ? 'and these, of the same counts' : `and ${same.length} of the same counts: ${same.slice(0, 3).map((one) => one.value).join(', ')}${same.length > 3 ? ' …' : ''}`}
                      </button>
                    )}
                  </Row>
                  {open.has(row.key) && same.map((one) => <Row key={one.key} row={one} most={most} inner />)}
                </Fragment>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {groups.length > few && (
        <Button look="quiet" onPress={() => setAll(!all)}>
          {all ? 'The first only' : `${count(groups.length - few)} more`}
        </Button>
      )}
    </Block>
  )
}

function Row({ row, most, inner = false, children }: { row: DifferenceRow; most: number; inner?: boolean; children?: ReactNode }) {
  return (
    <tr>
      <th scope="row" className={inner ? css.inner : ''}>
        <span className={css.attribute}>{labelOf(row.attribute)}</span>
        <Value text={row.value} />
        {children}
      </th>
      <td className={css.right}>
        {percent(row.shares[0])}
        <span className={css.small}>{count(row.counts[0])}</span>
      </td>
      <td className={css.right}>
        {percent(row.shares[1])}
        <span className={css.small}>{count(row.counts[1])}</span>
      </td>
      <td>
        <Bars a={row.shares[0] / most} b={row.shares[1] / most} />
      </td>
      <td className={`${css.right} ${row.more === 'a' ? css.textA : css.textB}`}>{times(row)}</td>
      <td className={css.right}>
        <RefineButtons condition={row.expression} of={`${labelOf(row.attribute)} ${row.value}`} />
      </td>
    </tr>
  )
}

/** A value on one line, without what all begin with. Of URLs the end says most, so they are cut at their start. */
export function Value({ text, start = '' }: { text: string; start?: string }) {
  return (
    <span className={`${css.value} ${/^https?:\/\//.test(text) ? css.fromEnd : ''}`} title={text}>
      <bdi>
        {start !== '' && <span className="quiet">…</span>}
        {text.slice(start.length)}
      </bdi>
    </span>
  )
}

/** Two shares as bars, of the greatest. The figures stand beside. */
export function Bars({ a, b }: { a: number; b: number }) {
  return (
    <span className={css.bars} aria-hidden="true">
      <span className={css.barOfA} style={{ width: `${Math.min(100, a * 100)}%` }} />
      <span className={css.barOfB} style={{ width: `${Math.min(100, b * 100)}%` }} />
    </span>
  )
}
