import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo, useState, type ReactNode } from 'react'
import type { InsightSummary } from '../../api/insights'
import { getTimeSeries, type HistogramEntry } from '../../api/xray'
import { useScope } from '../../app/scope'
import { and, conditions, edge as edgeOf, of, service as serviceOf } from '../../model/filter'
import { count, duration, percent, rate } from '../../model/format'
import { shortType, titleOf, type Graph, type GraphEdge, type GraphNode } from '../../model/graph'
import { percentile } from '../../model/histogram'
import { figuresOf, mean, outcomes, outcomeNames, share, type Figures, type Outcome } from '../../model/outcome'
import { periodFor } from '../../model/time'
import { IconButton, linkLook } from '../../ui/Button'
import { Tile, Tiles } from '../../ui/Card'
import { Code } from '../../ui/Code'
import { TimesFields } from '../../ui/FromTo'
import { Icon } from '../../ui/Icon'
import { NodeIcon } from '../../ui/NodeIcon'
import { Mark, OutcomeBar } from '../../ui/Outcomes'
import { Failed, Notice } from '../../ui/State'
import type { Selection } from '../../ui/chart/Chart'
import { Histogram } from '../../ui/chart/Histogram'
import { OutcomeSeries } from '../../ui/chart/OutcomeSeries'
import { TracesLink } from './TracesLink'
import css from './map.module.css'

interface NodePanelProps {
  graph: Graph
  node: GraphNode
  insight: InsightSummary | undefined
  onNode: (key: string) => void
  onEdge: (key: string) => void
  onClose: () => void
}

/** What is known of a service. */
export function NodePanel({ graph, node, insight, onNode, onEdge, onClose }: NodePanelProps) {
  const into = graph.edges.filter((edge) => edge.to === node.key)
  const out = graph.edges.filter((edge) => edge.from === node.key)
  const selector = serviceOf(node)
  return (
    <Panel
      key={node.key}
      title={
        <>
          <NodeIcon kind={node.kind} size={22} />
          <span className={css.panelName}>
            <h2>{titleOf(node)}</h2>
            <span className="quiet">{[shortType(node.type) || 'Service', titleOf(node) === node.name ? null : node.name, node.account].filter(Boolean).join(' · ')}</span>
          </span>
        </>
      }
      label={node.name}
      figures={node.figures}
      response={node.response}
      responseNote="Time of the service's own segments."
      selector={selector}
      onClose={onClose}
      notice={insight && (
          <Notice look="warning">
            {insight.Summary}{' '}
            <Link to="/insights/$insightId" params={{ insightId: insight.InsightId }}>
              Look at the insight
            </Link>
          </Notice>
        )}
    >
      <Neighbours title="Called by" edges={into} end="from" graph={graph} onNode={onNode} onEdge={onEdge} />
      <Neighbours title="Calls" edges={out} end="to" graph={graph} onNode={onNode} onEdge={onEdge} />
    </Panel>
  )
}

interface EdgePanelProps {
  graph: Graph
  edge: GraphEdge
  onNode: (key: string) => void
  onClose: () => void
}

/** What is known of the calls from one service to another. */
export function EdgePanel({ graph, edge, onNode, onClose }: EdgePanelProps) {
  const from = graph.nodes.find((node) => node.key === edge.from)!
  const to = graph.nodes.find((node) => node.key === edge.to)!
  const others = edge.aliases.filter((alias) => alias !== to.name)
  return (
    <Panel
      key={edge.key}
      title={
        <span className={css.panelName}>
          <h2>
            <button type="button" className="word-button" onClick={() => onNode(from.key)}>
              {titleOf(from)}
            </button>
            <span aria-label="to"> → </span>
            <button type="button" className="word-button" onClick={() => onNode(to.key)}>
              {titleOf(to)}
            </button>
          </h2>
          <span className="quiet">
            {shortType(from.type) || 'Service'} to {shortType(to.type) || 'service'}
            {others.length > 0 && <>, called {others.join(', ')}</>}
          </span>
        </span>
      }
      label={`${from.name} to ${to.name}`}
      figures={edge.figures}
      response={edge.response}
      responseNote="As the caller saw it, the network between included."
      selector={edgeOf(from, to)}
      onClose={onClose}
    />
  )
}

interface PanelProps {
  title: ReactNode
  label: string
  figures: Figures
  response: readonly HistogramEntry[]
  responseNote: string
  /** The expression that selects the node or edge. */
  selector: string
  onClose: () => void
  notice?: ReactNode
  children?: ReactNode
}

function Panel({ title, notice, label, figures, response, responseNote, selector, onClose, children }: PanelProps) {
  const { window, group, setRange } = useScope()
  const [ended, setEnded] = useState<ReadonlySet<Outcome>>(new Set())
  const [time, setTime] = useState<Selection | null>(null)
  const [zoomed, setZoomed] = useState<Selection | null>(null)
  const seconds = window.end - window.start
  const period = periodFor(window)
  const series = useQuery({
    queryKey: ['series', window, group, selector, period],
    queryFn: ({ signal }) => getTimeSeries({ window, period, selector, group }, signal),
  })
  const buckets = useMemo(
    () => (series.data ?? []).map((one) => ({ start: one.Timestamp - period, figures: figuresOf(one.ServiceSummaryStatistics ?? one.EdgeSummaryStatistics) })),
    [series.data, period],
  )
  const inside = conditions(ended, time)
  const expression = of(selector, inside)
  const toggle = (outcome: Outcome) => {
    const next = new Set(ended)
    if (!next.delete(outcome)) next.add(outcome)
    setEnded(next)
  }
  return (
    <aside className={css.panel} aria-label={label}>
      <header className={css.panelHead}>
        {title}
        <IconButton label="Close" shortcut="Esc" icon={<Icon name="close" />} onPress={onClose} />
      </header>
      <div className={css.panelBody}>
        {notice}
        <Tiles small>
          <Tile name="Requests" value={count(figures.total)} note={rate(figures.total, seconds)} />
          <Tile name="Average" value={duration(mean(figures))} note={`p50 ${duration(percentile(response, 0.5))}`} />
          <Tile name="p90" value={duration(percentile(response, 0.9))} note={`p99 ${duration(percentile(response, 0.99))}`} />
        </Tiles>
        <section>
          <h3>How they ended</h3>
          <OutcomeBar figures={figures} />
          <ul className={css.outcomes}>
            {outcomes.map((outcome) => (
              <li key={outcome}>
                <label>
                  <input type="checkbox" checked={ended.has(outcome)} onChange={() => toggle(outcome)} />
                  <Mark outcome={outcome} />
                  {outcomeNames[outcome]}
                </label>
                <span className={css.figure}>{count(figures[outcome])}</span>
                <span className={css.figure}>{percent(share(figures, outcome))}</span>
              </li>
            ))}
          </ul>
        </section>
        {response.length > 0 && (
          <section>
            <div className={css.sectionHead}>
              <h3>Response time</h3>
              <span>
                {time && (
                  <button type="button" className="word-button" onClick={() => setZoomed(time)}>
                    Zoom in
                  </button>
                )}{' '}
                {(time ?? zoomed) && (
                  <button
                    type="button"
                    className="word-button"
                    onClick={() => {
                      setTime(null)
                      setZoomed(null)
                    }}
                  >
                    All times
                  </button>
                )}
              </span>
            </div>
            <Histogram label={`Response times of ${label}`} things="requests" sets={[{ name: '', entries: response, percentiles: [0.5, 0.9, 0.99] }]} selection={time} onSelect={setTime} within={zoomed} />
            <TimesFields label="Response time" value={time} onChange={setTime} />
            <p className="note">{responseNote}</p>
          </section>
        )}
        <section>
          <h3>Requests over time</h3>
          {series.isError ? (
            <Failed what="The time series is not there" error={series.error} retry={() => void series.refetch()} />
          ) : (
            <OutcomeSeries label={`Requests of ${label} over time`} window={window} step={period} buckets={buckets} onSelect={({ start, end }) => setRange({ kind: 'between', start, end })} />
          )}
        </section>
        {children}
      </div>
      <footer className={css.panelFoot}>
        <Code text={expression} label="Copy the filter expression" />
        <TracesLink filter={expression}>{inside ? 'View these traces' : 'View traces'}</TracesLink>
        <Link to="/analytics" search={{ sets: 'own', a: expression, b: and(inside ? selector : '', `!(${expression})`) }} className={linkLook('plain')}>
          <Icon name="analytics" />
          {inside ? 'Compare them with its others' : 'Compare with the rest'}
        </Link>
      </footer>
    </aside>
  )
}

interface NeighboursProps {
  title: string
  edges: readonly GraphEdge[]
  end: 'from' | 'to'
  graph: Graph
  onNode: (key: string) => void
  onEdge: (key: string) => void
}

function Neighbours({ title, edges, end, graph, onNode, onEdge }: NeighboursProps) {
  if (edges.length === 0) return null
  const sorted = [...edges].sort((a, b) => b.figures.total - a.figures.total)
  return (
    <section>
      <h3>
        {title} <span className="quiet">{edges.length}</span>
      </h3>
      <ul className={css.neighbours}>
        {sorted.map((edge) => {
          const other = graph.nodes.find((node) => node.key === edge[end])
          if (!other) return null
          return (
            <li key={edge.key}>
              <button type="button" className={`word-button ${css.rowName}`} onClick={() => onNode(other.key)}>
                <NodeIcon kind={other.kind} />
                <span className="ellipsis">{titleOf(other)}</span>
              </button>
              <OutcomeBar figures={edge.figures} />
              <span className={css.figure}>{duration(mean(edge.figures))}</span>
              <IconButton label={`The calls: ${count(edge.figures.total)}`} icon={<Icon name="right" size={14} />} onPress={() => onEdge(edge.key)} />
            </li>
          )
        })}
      </ul>
    </section>
  )
}
