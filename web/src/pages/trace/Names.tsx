import { count, duration, percent } from '../../model/format'
import { kindOf, shortType, titleOf } from '../../model/graph'
import { NodeIcon } from '../../ui/NodeIcon'
import { outcomeText } from '../../ui/Outcomes'
import { Table, type Column } from '../../ui/Table'
import type { NameFigures } from './model/rows'
import type { Span } from './model/tree'
import css from './trace.module.css'

interface NamesProps {
  names: readonly NameFigures[]
  /** of the critical path */
  response: number
  onSpan: (span: Span) => void
}

/** The names of a trace with their figures: where the time goes when the same is done many times. */
export function Names({ names, response, onSpan }: NamesProps) {
  const all = names.reduce((sum, one) => sum + one.own, 0)
  const columns: Column<NameFigures>[] = [
    {
      id: 'name',
      head: 'Name',
      names: true,
      sort: (one) => one.name,
      cell: (one) => (
        <button type="button" className={`word-button ${css.nameButton}`} onClick={() => onSpan(one.spans.reduce((longest, span) => (span.end - span.start > longest.end - longest.start ? span : longest)))}>
          {!one.subsegment && <NodeIcon kind={kindOf(one.service.type)} size={15} />}
          {one.subsegment ? one.name : titleOf(one.service)}
        </button>
      ),
    },
    { id: 'service', head: 'Service', sort: (one) => one.service.name, cell: (one) => (one.subsegment ? titleOf(one.service) : shortType(one.service.type) || 'service') },
    { id: 'count', head: 'Count', figures: true, sort: (one) => one.spans.length, cell: (one) => count(one.spans.length) },
    { id: 'own', head: 'Own', figures: true, sort: (one) => one.own, cell: (one) => duration(one.own) },
    { id: 'share', head: 'Own, share', figures: true, sort: (one) => one.own, cell: (one) => <Share of={all > 0 ? one.own / all : 0} /> },
    { id: 'critical', head: 'Critical path', figures: true, sort: (one) => one.critical, cell: (one) => (one.critical > 0 ? `${duration(one.critical)}, ${percent(response > 0 ? one.critical / response : 0)}` : '–') },
    { id: 'total', head: 'Total', figures: true, sort: (one) => one.total, cell: (one) => duration(one.total) },
    { id: 'mean', head: 'Average', figures: true, sort: (one) => one.total / one.spans.length, cell: (one) => duration(one.total / one.spans.length) },
    { id: 'longest', head: 'Longest', figures: true, sort: (one) => one.longest, cell: (one) => duration(one.longest) },
    { id: 'failed', head: 'Failed', figures: true, sort: (one) => one.failed, cell: (one) => (one.failed > 0 ? <span className={outcomeText('fault')}>{count(one.failed)}</span> : '') },
  ]
  return (
    <div className={css.table}>
      <Table label="Names with their figures" columns={columns} rows={names} rowKey={(one) => one.key} sorted={{ column: 'own', down: true }} />
      <p className={css.foot}>Own times leave out what was called meanwhile. They add up to {duration(all)}, more than the trace took where things ran at the same time. A name leads to its longest.</p>
    </div>
  )
}

export function Share({ of }: { of: number }) {
  return (
    <span className={css.share}>
      <span style={{ width: `${Math.min(1, of) * 100}%` }} />
      {percent(of)}
    </span>
  )
}
