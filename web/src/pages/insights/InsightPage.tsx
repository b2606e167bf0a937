import { useQueries, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'
import { ApiError } from '../../api/client'
import { getInsight, getInsightEvents, getInsightImpactGraph, type AnomalousServiceId, type Insight, type InsightEvent, type RequestImpact } from '../../api/insights'
import { getServiceGraph, getTimeSeries, type Seconds, type Window } from '../../api/xray'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { count, duration, percent, plural, rate } from '../../model/format'
import { graphOf, nodeKey } from '../../model/graph'
import { defaultGroup } from '../../model/groups'
import { place, type Layout } from '../../model/layout'
import { figuresOf, mean } from '../../model/outcome'
import { ago, clock, moment, periodFor, printMoment } from '../../model/time'
import { linkLook } from '../../ui/Button'
import { Badge, Block, Tile, Tiles } from '../../ui/Card'
import { Code } from '../../ui/Code'
import { Icon } from '../../ui/Icon'
import { Segmented } from '../../ui/Segmented'
import { Empty, Failed, Loading } from '../../ui/State'
import { OutcomeSeries } from '../../ui/chart/OutcomeSeries'
import { GraphCanvas, type GraphWords } from '../../ui/graph/GraphCanvas'
import { ForecastChart } from './ForecastChart'
import { affectedServices, causeFilter, expectedOf, faultShare, graphWindow, impactGraph, kindLabel, kindsOf, lasted, newServices, nodeOf, selectorOf, windowAround, windowOf } from './model'
import { ImpactBar, ServiceName, StateBadge } from './parts'
import type { InsightSearch } from './search'
import css from './insights.module.css'

const route = getRouteApi('/insights/$insightId')

/** How often an insight that goes on is looked at, in milliseconds. */
const every = 30_000

/** One insight: what, since when, why, and whom it hit. */
export function InsightPage() {
  const { insightId } = route.useParams()
  const insight = useQuery({
    queryKey: ['insight', insightId],
    queryFn: ({ signal }) => getInsight(insightId, signal),
    placeholderData: () => undefined,
    refetchInterval: ({ state }) => (state.data?.State === 'ACTIVE' ? every : false),
  })
  const events = useQuery({
    queryKey: ['insight-events', insightId],
    queryFn: ({ signal }) => getInsightEvents(insightId, signal),
    placeholderData: () => undefined,
    refetchInterval: insight.data?.State === 'ACTIVE' ? every : false,
  })
  const gone = insight.error instanceof ApiError && insight.error.status === 400
  return (
    <Page
      title="Insight"
      aside={
        <Link to="/insights" className={css.back}>
          <Icon name="left" size={14} />
          All insights
        </Link>
      }
    >
      {gone ? (
        <Empty icon="insights" title="There is no such insight" actions={<Link to="/insights">To the insights</Link>}>
          The address may be mistyped, or the insight is older than 30 days after its end.
        </Empty>
      ) : insight.isError && !insight.data ? (
        <Failed what="The insight is not there" error={insight.error} retry={() => void insight.refetch()} />
      ) : !insight.data ? (
        <Loading what="Asking for the insight" />
      ) : (
        <Detail key={insight.data.InsightId} insight={insight.data} events={events.data ?? null} failed={events.error} retry={() => void events.refetch()} now={insight.dataUpdatedAt / 1000} />
      )}
    </Page>
  )
}

interface DetailProps {
  insight: Insight
  events: readonly InsightEvent[] | null
  failed: Error | null
  retry: () => void
  now: Seconds
}

function Detail({ insight, events, failed, retry, now }: DetailProps) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const change = (next: InsightSearch) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true })
  const kinds = kindsOf(insight.Summary)
  const shows = search.chart ?? (kinds.faults ? 'faults' : 'times')
  const chosenPlace = events && search.event !== undefined ? events.findIndex((one) => String(one.EventTime) === search.event) : -1
  const event = chosenPlace >= 0 ? events![chosenPlace]! : null
  const at = event?.EventTime ?? null
  const window = useMemo(() => windowAround(insight, now), [insight, now])
  const incident = useMemo(() => windowOf(insight, now, null), [insight, now])
  const until = useMemo(() => windowOf(insight, now, at), [insight, now, at])
  const period = periodFor(window)
  const group = insight.GroupName === defaultGroup ? undefined : insight.GroupName
  const services = useMemo(() => affectedServices(insight, events ?? []), [insight, events])
  const clients = event?.ClientRequestImpactStatistics ?? insight.ClientRequestImpactStatistics
  const atCause = event?.RootCauseServiceRequestImpactStatistics ?? insight.RootCauseServiceRequestImpactStatistics
  const choose = (step: 1 | -1) => {
    if (!events || events.length === 0) return
    const next = chosenPlace < 0 ? (step > 0 ? 0 : events.length - 1) : chosenPlace + step
    change({ event: events[next] ? String(events[next].EventTime) : undefined })
  }
  useShortcuts('Insight', [
    { keys: 'j', does: 'Next event, older', run: () => choose(1) },
    { keys: 'k', does: 'Event before, newer', run: () => choose(-1) },
    { keys: 'Escape', does: 'Choose no event', run: () => change({ event: undefined }) },
    { keys: 'f', does: 'Faults or response times', run: () => change({ chart: shows === 'faults' ? 'times' : 'faults' }) },
  ])
  return (
    <div className={css.detail}>
      <section className={`${css.summary} ${insight.State === 'ACTIVE' ? css.summaryActive : ''}`} aria-label="Summary">
        <div className={css.titleLine}>
          <StateBadge state={insight.State} />
          <h2>
            {kindLabel(kinds)} of {insight.RootCauseServiceId.Name}
          </h2>
          <span className="quiet">group {insight.GroupName}</span>
        </div>
        <p className={css.text}>{insight.Summary}</p>
        <Tiles small>
          <Tile name="Began" value={clock(insight.StartTime)} note={ago(insight.StartTime, now)} />
          <Tile name={insight.EndTime === null ? 'Has lasted' : 'Lasted'} value={lasted(insight, now)} note={insight.EndTime === null ? 'and goes on' : `until ${clock(insight.EndTime)}`} />
          <Tile name="Failed requests of clients" value={count(clients.FaultCount)} note={shareNote(clients)} />
          <Tile name="Failed at the root cause" value={count(atCause.FaultCount)} note={shareNote(atCause)} />
          <Tile name="Services affected" value={count(services.length)} note={services.length >= 10 ? 'the ten worst at a time' : 'at any time'} />
        </Tiles>
        {event && <p className="quiet">Impact as it was at {clock(event.EventTime)}, the event that is chosen.</p>}
        <Links insight={insight} window={incident} group={group} slow={!kinds.faults} />
      </section>
      <div className={css.columns}>
        <div className={css.column}>
          <Block title="Impact on clients" aside={`all requests of clients${group ? ` of the group ${group}` : ''}, by ${period === 60 ? 'the minute' : '5 minutes'} of receipt`}>
            <Clients window={window} period={period} group={group} incident={incident} at={at} />
          </Block>
          <Block
            title="Affected services"
            aside={
              <span className={css.keyed}>
                {shows === 'faults' ? (
                  <span className={css.legend}>
                    <span className={css.swatchBand} /> usual <span className={css.swatchBeyond} /> faults beyond <span className={css.swatchWithin} /> faults within
                  </span>
                ) : (
                  <span className={css.legend}>
                    <span className={css.swatchP90} /> p90 <span className={css.swatchP50} /> p50
                  </span>
                )}
                <Segmented
                  label="What the charts show"
                  value={shows}
                  choices={[
                    { value: 'faults', label: 'Faults' },
                    { value: 'times', label: 'Response times' },
                  ]}
                  onChange={(chart) => change({ chart })}
                />
              </span>
            }
          >
            <Services services={services} shows={shows} window={window} period={period} group={group} incident={incident} at={at} />
          </Block>
        </div>
        <Block title="How it went" aside={events ? plural(events.length, 'event') : ''}>
          {failed && !events ? <Failed what="The events are not there" error={failed} retry={retry} /> : !events ? <Loading what="Asking for the events" /> : <Timeline events={events} chosen={search.event} onChoose={(chosen) => change({ event: chosen })} />}
        </Block>
      </div>
      <Block title="Where it spread" aside={`affected services and those whose requests come to them, ${until.end - until.start > 6 * 3600 ? 'in the last 6 hours of it' : event ? `until ${clock(event.EventTime)}` : 'in its time'}`}>
        <ImpactMap insight={insight} services={services} window={graphWindow(until)} group={group} />
      </Block>
    </div>
  )
}

function shareNote(impact: RequestImpact): string {
  const share = faultShare(impact)
  return share === null ? 'of none' : `of ${count(impact.TotalCount)}, ${percent(share)}`
}

/** To what can be looked at next. */
function Links({ insight, window, group, slow }: { insight: Insight; window: Window; group: string | undefined; slow: boolean }) {
  const filter = causeFilter(insight)
  // Traces are found by when they began, which is before they were received.
  const time = { since: undefined, refresh: undefined, from: printMoment(window.start - 60), to: printMoment(window.end), group }
  const node = nodeKey(nodeOf(insight.RootCauseServiceId))
  return (
    <nav className={css.links} aria-label="Look further">
      <Link to="/traces" search={{ ...time, filter }} className={linkLook('main', 'tall')}>
        <Icon name="traces" />
        View traces
      </Link>
      <Link to="/analytics" search={slow ? { ...time, sets: 'own', a: filter, b: filter, before: 'window' } : { ...time, sets: 'own', a: filter, b: `!(${filter})` }} className={linkLook('plain', 'tall')}>
        <Icon name="analytics" />
        {slow ? 'Compare with the time before' : 'Compare with the rest'}
      </Link>
      <Link to="/" search={{ ...time, node }} className={linkLook('plain', 'tall')}>
        <Icon name="map" />
        The map at that time
      </Link>
      <span className={css.expression}>
        <Code line text={filter} label="Copy the filter expression" />
      </span>
    </nav>
  )
}

interface ChartProps {
  window: Window
  period: 60 | 300
  group: string | undefined
  incident: Window
  at: Seconds | null
}

/** What clients got. */
function Clients({ window, period, group, incident, at }: ChartProps) {
  const series = useQuery({ queryKey: ['series', window, group, undefined, period], queryFn: ({ signal }) => getTimeSeries({ window, period, group }, signal) })
  const buckets = useMemo(() => (series.data ?? []).map((one) => ({ start: one.Timestamp - period, figures: figuresOf(one.EdgeSummaryStatistics ?? one.ServiceSummaryStatistics) })), [series.data, period])
  if (series.isError) return <Failed what="The time series is not there" error={series.error} retry={() => void series.refetch()} />
  return <OutcomeSeries label="Requests of clients over time" window={window} step={period} buckets={buckets} highlight={incident} moment={at} height={140} />
}

/** The affected services, each over time, the root cause first. */
function Services({ services, shows, window, period, group, incident, at }: ChartProps & { services: readonly AnomalousServiceId[]; shows: 'faults' | 'times' }) {
  const all = useQueries({
    queries: services.map((service) => {
      const selector = selectorOf(service)
      return {
        queryKey: ['series', window, group, selector, period, 'forecast'],
        queryFn: ({ signal }: { signal: AbortSignal }) => getTimeSeries({ window, period, selector, group, forecast: true }, signal),
      }
    }),
  })
  return (
    <div className={css.services}>
      {services.map((service, i) => {
        const series = all[i]!
        return (
          <article key={nodeKey(nodeOf(service))} aria-label={service.Name}>
            <h3 className={css.serviceHead}>
              <ServiceName service={service} typed />
              {i === 0 && <Badge look="bad">root cause</Badge>}
            </h3>
            {series.isError ? (
              <Failed what="The time series is not there" error={series.error} retry={() => void series.refetch()} />
            ) : (
              <ForecastChart label={`${shows === 'faults' ? 'Faults' : 'Response times'} of ${service.Name}`} shows={shows} window={window} step={period} periods={expectedOf(series.data ?? [], period)} incident={incident} at={at} />
            )}
          </article>
        )
      })}
    </div>
  )
}

/** The events, newest first. One can be chosen: the page then shows that moment. */
function Timeline({ events, chosen, onChoose }: { events: readonly InsightEvent[]; chosen: string | undefined; onChoose: (event: string | undefined) => void }) {
  return (
    <ol className={css.timeline}>
      {events.map((event, i) => {
        const key = String(event.EventTime)
        const added = newServices(events, i)
        return (
          <li key={`${key} ${i}`}>
            <button type="button" className={css.event} aria-pressed={chosen === key} onClick={() => onChoose(chosen === key ? undefined : key)}>
              <time dateTime={printMoment(event.EventTime)} title={moment(event.EventTime)}>
                {clock(event.EventTime)}
              </time>
              <span>{event.Summary}</span>
              <span className={css.eventImpact}>
                <span className="quiet">clients</span> <ImpactBar impact={event.ClientRequestImpactStatistics} />
                <span className="quiet">cause</span> <ImpactBar impact={event.RootCauseServiceRequestImpactStatistics} />
              </span>
              {added.length > 0 && (
                <span className={css.added}>
                  {i === events.length - 1 ? '' : 'also '}
                  {added.map((service) => (
                    <ServiceName key={nodeKey(nodeOf(service))} service={service} />
                  ))}
                </span>
              )}
            </button>
          </li>
        )
      })}
    </ol>
  )
}

/** heightOf is how high a drawing has to be, in pixels. */
function heightOf(layout: Layout): number {
  const rows = [...layout.places.values()].map((at) => at.y)
  return Math.min(480, Math.max(210, Math.max(...rows) - Math.min(...rows) + 190))
}

/** The affected services and those from which calls lead to them. */
function ImpactMap({ insight, services, window, group }: { insight: Insight; services: readonly AnomalousServiceId[]; window: Window; group: string | undefined }) {
  const [chosen, setChosen] = useState<string | undefined>()
  const [own, setOwn] = useState<Layout | null>(null)
  const before = useRef<Layout | null>(null)
  const impact = useQuery({ queryKey: ['impact', insight.InsightId, window], queryFn: ({ signal }) => getInsightImpactGraph(insight.InsightId, window, signal) })
  const figures = useQuery({ queryKey: ['graph', window, group], queryFn: ({ signal }) => getServiceGraph(window, group, signal) })
  const graph = useMemo(() => impact.data && impactGraph(impact.data, figures.data && graphOf(figures.data.Services)), [impact.data, figures.data])
  // What has a place keeps it when figures come anew.
  const layout = useMemo(() => graph && place({ nodes: graph.nodes.map((node) => node.key), edges: graph.edges }, own ?? before.current), [graph, own])
  useEffect(() => {
    if (layout) before.current = layout
  }, [layout])
  const seconds = window.end - window.start
  const words = useMemo(
    (): GraphWords => ({
      node: ({ figures: f }) => `${percent(f.fault / f.total)} faults · ${duration(mean(f))}`,
      spoken: ({ figures: f }) => `${percent(f.fault / f.total)} faults, ${duration(mean(f))} on average, ${rate(f.total, seconds)}`,
      edge: (f) => `${percent(f.total > 0 ? f.fault / f.total : 0)} faults · ${rate(f.total, seconds)}`,
    }),
    [seconds],
  )
  const marks = useMemo(() => {
    const cause = nodeKey({ ...nodeOf(insight.RootCauseServiceId), account: null })
    return new Map([[cause, 'root cause']])
  }, [insight])
  if (impact.isError && !graph) return <Failed what="The graph is not there" error={impact.error} retry={() => void impact.refetch()} />
  if (!graph || !layout) return <Loading what="Asking for the graph" />
  if (graph.nodes.length === 0) {
    return (
      <Empty icon="map" title="The graph of that time is not kept any more">
        Affected were {services.map((service) => service.Name).join(', ')}.
      </Empty>
    )
  }
  const node = graph.nodes.find((one) => one.key === chosen)
  return (
    <>
      <div className={css.map} style={{ height: `${heightOf(layout)}px` }}>
        <GraphCanvas
          label={`Impact graph of ${plural(graph.nodes.length, 'service')}`}
          graph={graph}
          layout={layout}
          words={words}
          node={chosen}
          edge={undefined}
          labels={false}
          marks={marks}
          found={null}
          target={null}
          onNode={setChosen}
          onEdge={() => setChosen(undefined)}
          onMove={(key, to) => setOwn({ places: new Map(layout.places).set(key, to), bends: layout.bends })}
          onArrange={() => setOwn(place({ nodes: graph.nodes.map((node) => node.key), edges: graph.edges }, null))}
          minimap={false}
        />
      </div>
      <p className="note">
        {node ? (
          <>
            {node.name}: {plural(node.figures.total, 'request')}, {plural(node.figures.fault, 'fault')}.{' '}
            <Link to="/" search={{ since: undefined, refresh: undefined, from: printMoment(window.start), to: printMoment(window.end), group, node: node.key }}>
              On the map
            </Link>
          </>
        ) : (
          <>
            Figures are of the requests that were received in this time. The root cause has a mark. {plural(graph.nodes.length, 'service')}, {plural(graph.edges.length, 'connection')}.
          </>
        )}
      </p>
    </>
  )
}
