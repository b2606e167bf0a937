import { useMemo } from 'react'
import { count, duration, percent, rate } from '../../model/format'
import { shortType, titleOf, type Graph, type GraphNode } from '../../model/graph'
import { percentile } from '../../model/histogram'
import { mean, share } from '../../model/outcome'
import { NodeIcon } from '../../ui/NodeIcon'
import { OutcomeBar, outcomeText } from '../../ui/Outcomes'
import { Table, type Column } from '../../ui/Table'
import css from './map.module.css'

interface MapTableProps {
  graph: Graph
  seconds: number
  node: string | undefined
  found: ReadonlySet<string> | null
  onNode: (key: string) => void
}

/** The services as a table: for many of them, for sorting, and for who does not see the map. */
export function MapTable({ graph, seconds, node, found, onNode }: MapTableProps) {
  const rows = useMemo(() => (found ? graph.nodes.filter((one) => found.has(one.key)) : graph.nodes), [graph, found])
  const columns = useMemo<Column<GraphNode>[]>(() => {
    const calls = new Map<string, number>()
    for (const edge of graph.edges) calls.set(edge.from, (calls.get(edge.from) ?? 0) + 1)
    const part = (outcome: 'error' | 'throttle' | 'fault', head: string): Column<GraphNode> => ({
      id: outcome,
      head,
      figures: true,
      sort: (one) => share(one.figures, outcome),
      cell: (one) => (one.figures[outcome] > 0 ? <span className={outcomeText(outcome)}>{percent(share(one.figures, outcome))}</span> : <span className="quiet">0 %</span>),
    })
    const quantile = (at: number): Column<GraphNode> => ({
      id: `p${at * 100}`,
      head: `p${at * 100}`,
      figures: true,
      sort: (one) => percentile(one.response, at) ?? -1,
      cell: (one) => duration(percentile(one.response, at)),
    })
    return [
      {
        id: 'name',
        head: 'Service',
        names: true,
        sort: titleOf,
        cell: (one) => (
          <button type="button" className={`word-button ${css.rowName}`} onClick={() => onNode(one.key)}>
            <NodeIcon kind={one.kind} />
            {titleOf(one)}
          </button>
        ),
      },
      { id: 'type', head: 'Type', sort: (one) => one.type ?? '', cell: (one) => shortType(one.type) },
      { id: 'requests', head: 'Requests', figures: true, sort: (one) => one.figures.total, cell: (one) => count(one.figures.total) },
      { id: 'rate', head: 'Rate', figures: true, sort: (one) => one.figures.total, cell: (one) => rate(one.figures.total, seconds) },
      { id: 'outcomes', head: 'Outcomes', sort: (one) => 1 - share(one.figures, 'ok'), cell: (one) => <OutcomeBar figures={one.figures} /> },
      part('fault', 'Faults'),
      part('throttle', 'Throttled'),
      part('error', 'Errors'),
      { id: 'mean', head: 'Average', figures: true, sort: (one) => mean(one.figures) ?? -1, cell: (one) => duration(mean(one.figures)) },
      quantile(0.5),
      quantile(0.9),
      quantile(0.99),
      { id: 'calls', head: 'Calls', figures: true, sort: (one) => calls.get(one.key) ?? 0, cell: (one) => count(calls.get(one.key) ?? 0) },
    ]
  }, [graph, seconds, onNode])
  return (
    <div className={css.table}>
      <Table label="Services" columns={columns} rows={rows} rowKey={(one) => one.key} sorted={{ column: 'requests', down: true }} selected={node} />
    </div>
  )
}
