import { useMemo, useRef, type ComponentProps } from 'react'
import type { InsightSummary } from '../../api/insights'
import { useShortcuts } from '../../app/keys'
import { duration, rate } from '../../model/format'
import { mean } from '../../model/outcome'
import { GraphCanvas, type GraphHandle, type GraphWords } from '../../ui/graph/GraphCanvas'

interface MapCanvasProps extends Omit<ComponentProps<typeof GraphCanvas>, 'label' | 'words' | 'marks' | 'handle'> {
  /** seconds that the figures are of */
  seconds: number
  /** Open insights by node, account aside. */
  insights: ReadonlyMap<string, InsightSummary>
}

/** The map of a window of time, with its keys. Everything in it can be had from the table too. */
export function MapCanvas({ seconds, insights, ...rest }: MapCanvasProps) {
  const handle = useRef<GraphHandle>(null)
  const words = useMemo(
    (): GraphWords => ({
      node: ({ figures }) => `${duration(mean(figures))} · ${rate(figures.total, seconds)}`,
      spoken: ({ figures }) => `${duration(mean(figures))} on average, ${rate(figures.total, seconds)}`,
      edge: (figures) => `${duration(mean(figures))} · ${rate(figures.total, seconds)}`,
    }),
    [seconds],
  )
  const marks = useMemo(() => new Map([...insights].map(([key, insight]) => [key, `insight: ${insight.Summary}`])), [insights])
  useShortcuts('Trace map', [
    { keys: '+', does: 'Zoom in', run: () => handle.current?.zoomBy(1.4) },
    { keys: '-', does: 'Zoom out', run: () => handle.current?.zoomBy(1 / 1.4) },
    { keys: '0', does: 'Show everything', run: () => handle.current?.showAll() },
    { keys: 'a', does: 'Arrange anew', run: rest.onArrange },
    { keys: 'Escape', does: 'Choose nothing', run: () => rest.onNode(undefined) },
  ])
  return <GraphCanvas {...rest} label={`Map of ${rest.graph.nodes.length} services and ${rest.graph.edges.length} connections`} words={words} marks={marks} handle={handle} />
}
