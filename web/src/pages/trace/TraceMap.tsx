import { useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { getTraceGraph } from '../../api/traces'
import { duration, plural } from '../../model/format'
import { graphOf, type Graph } from '../../model/graph'
import { place, type Layout } from '../../model/layout'
import { mean } from '../../model/outcome'
import { Failed, Loading, Notice } from '../../ui/State'
import { GraphCanvas, type GraphWords } from '../../ui/graph/GraphCanvas'
import { isNode } from './model/looks'
import type { Service } from './model/tree'
import css from './trace.module.css'

interface TraceMapProps {
  id: string
  /** Changes when more of the trace has come. */
  version: number
  node: string | undefined
  /** That of the segment which is chosen. */
  service: Service | undefined
  onNode: (key: string | undefined) => void
}

/** So many services are drawn; a trace with more is better read in its rows. */
const mostDrawn = 300

const words: GraphWords = {
  node: ({ figures }) => `${duration(figures.total === 1 ? figures.time : mean(figures))}${figures.total > 1 ? ` · ${figures.total}×` : ''}`,
  spoken: ({ figures }) => `${duration(mean(figures))} on average, ${plural(figures.total, 'request')}`,
  edge: (figures) => `${duration(mean(figures))}${figures.total > 1 ? ` · ${figures.total}×` : ''}`,
}

const spacing = { column: 236, row: 38 }

/** The map of one trace. */
export function TraceMap({ id, version, node, service, onNode }: TraceMapProps) {
  const answer = useQuery({ queryKey: ['trace', id, 'graph', version], queryFn: ({ signal }) => getTraceGraph(id, signal) })
  const graph = useMemo(() => answer.data && graphOf(answer.data), [answer.data])
  const [edge, setEdge] = useState<string | undefined>()
  const [moved, setMoved] = useState<{ of: Graph; layout: Layout } | null>(null)
  const layout = useMemo(() => graph && graph.nodes.length <= mostDrawn && place({ nodes: graph.nodes.map((one) => one.key), edges: graph.edges }, null, spacing), [graph])
  if (answer.isError && !graph) return <Failed what="The map of the trace is not there" error={answer.error} retry={() => void answer.refetch()} />
  if (!graph) return <Loading what="Asking for the map" />
  if (!layout) return <Notice>{plural(graph.nodes.length, 'service')} are too many to draw above the rows. Group the rows by service to see them all.</Notice>
  const shown = moved?.of === graph ? moved.layout : layout
  return (
    <div className={css.map}>
      <GraphCanvas
        label={`Map of this trace: ${plural(graph.nodes.length, 'node')} and ${plural(graph.edges.length, 'connection')}`}
        graph={graph}
        layout={shown}
        words={words}
        node={node ?? (service && graph.nodes.find((one) => isNode(service, one.key))?.key)}
        edge={edge}
        labels={false}
        compact
        found={null}
        target={null}
        minimap={graph.nodes.length > 40}
        onNode={(key) => {
          setEdge(undefined)
          onNode(key)
        }}
        onEdge={setEdge}
        onMove={(key, to) => setMoved({ of: graph, layout: { places: new Map(shown.places).set(key, to), bends: new Map([...shown.bends].filter(([of]) => !graph.edges.some((one) => one.key === of && (one.from === key || one.to === key)))) } })}
        onArrange={() => setMoved(null)}
      />
    </div>
  )
}
