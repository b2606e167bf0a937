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
import { IconButton } from '../../ui/Button'
import { Copy } from '../../ui/Copy'
import { Icon } from '../../ui/Icon'
import { NodeIcon } from '../../ui/NodeIcon'
import { Mark, OutcomeBar } from '../../ui/Outcomes'
import { Failed, Notice } from '../../ui/State'
import { Histogram, type TimeSelection } from '../../ui/chart/Histogram'
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
            <span className={css.quiet}>{[shortType(node.type) || 'Service', titleOf(node) === node.name ? null : node.name, node.account].filter(Boolean).join(' · ')}</span>
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
            <button type="button" className={css.textButton} onClick={() => onNode(from.key)}>
              {titleOf(from)}
            </button>
            <span aria-label="to"> → </span>
            <button type="button" className={css.textButton} onClick={() => onNode(to.key)}>
              {titleOf(to)}
            </button>
          </h2>
          <span className={css.quiet}>
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
  const [time, setTime] = useState<TimeSelection | null>(null)
  const [zoomed, setZoomed] = useState<TimeSelection | null>(null)
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
        <dl className={css.tiles}>
          <Tile name="Requests" value={count(figures.total)} note={rate(figures.total, seconds)} />
          <Tile name="Average" value={duration(mean(figures))} note={`p50 ${duration(percentile(response, 0.5))}`} />
          <Tile name="p90" value={duration(percentile(response, 0.9))} note={`p99 ${duration(percentile(response, 0.99))}`} />
        </dl>
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
                  <button type="button" className={css.textButton} onClick={() => setZoomed(time)}>
                    Zoom in
                  </button>
                )}{' '}
                {(time ?? zoomed) && (
                  <button
                    type="button"
                    className={css.textButton}
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
            <Histogram label={`Response times of ${label}`} entries={response} selection={time} onSelect={setTime} within={zoomed} />
            <TimeFields value={time} onChange={setTime} />
            <p className={css.note}>{responseNote}</p>
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
        <div className={css.expression}>
          <code>{expression}</code>
          <Copy text={expression} label="Copy the filter expression" />
        </div>
        <TracesLink filter={expression}>{inside ? 'View these traces' : 'View traces'}</TracesLink>
        <Link to="/analytics" search={{ sets: 'own', a: expression, b: and(inside ? selector : '', `!(${expression})`) }} className={css.plainLink}>
          <Icon name="analytics" />
          {inside ? 'Compare them with its others' : 'Compare with the rest'}
        </Link>
      </footer>
    </aside>
  )
}

/** The chosen times as numbers: exact, and for who has no pointer. */
function TimeFields({ value, onChange }: { value: TimeSelection | null; onChange: (value: TimeSelection | null) => void }) {
  const [draft, setDraft] = useState<{ of: TimeSelection | null; low: string; high: string }>({ of: null, low: '', high: '' })
  const shown = draft.of === value ? draft : { of: value, low: value ? String(Number((value.low * 1000).toFixed(3))) : '', high: value ? String(Number((value.high * 1000).toFixed(3))) : '' }
  const change = (next: { low: string; high: string }) => {
    const low = Number(next.low) / 1000
    const high = Number(next.high) / 1000
    const valid = next.high !== '' && low >= 0 && high > low
    const chosen = valid ? { low, high } : null
    setDraft({ of: chosen, ...next })
    onChange(chosen)
  }
  return (
    <div className={css.fields}>
      <label>
        from
        <input type="number" min={0} step="any" value={shown.low} onChange={(event) => change({ low: event.target.value, high: shown.high })} />
        ms
      </label>
      <label>
        to
        <input type="number" min={0} step="any" value={shown.high} onChange={(event) => change({ low: shown.low, high: event.target.value })} />
        ms
      </label>
    </div>
  )
}

function Tile({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div className={css.tile}>
      <dt>{name}</dt>
      <dd>
        {value}
        <span className={css.quiet}>{note}</span>
      </dd>
    </div>
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
        {title} <span className={css.quiet}>{edges.length}</span>
      </h3>
      <ul className={css.neighbours}>
        {sorted.map((edge) => {
          const other = graph.nodes.find((node) => node.key === edge[end])
          if (!other) return null
          return (
            <li key={edge.key}>
              <button type="button" className={css.rowName} onClick={() => onNode(other.key)}>
                <NodeIcon kind={other.kind} />
                <span className={css.ellipsis}>{titleOf(other)}</span>
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
