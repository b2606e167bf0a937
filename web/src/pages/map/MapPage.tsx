import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { getLosses } from '../../api/losses'
import { getServiceGraph, getTraceSummaries } from '../../api/xray'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { useScope } from '../../app/scope'
import { count, plural } from '../../model/format'
import { busiest, graphOf, nodeKey, type Graph } from '../../model/graph'
import { mapSpacing, place, type Layout, type Point } from '../../model/layout'
import { ago } from '../../model/time'
import { Button } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { SearchField } from '../../ui/SearchField'
import { Segmented } from '../../ui/Segmented'
import { Select } from '../../ui/Select'
import { Empty, Failed, Loading, Notice } from '../../ui/State'
import { FirstSteps } from './FirstSteps'
import { Legend } from './Legend'
import { MapCanvas } from './MapCanvas'
import { MapTable } from './MapTable'
import { EdgePanel, NodePanel } from './Panel'
import type { MapSearch } from './search'
import { useInsights } from './useInsights'
import css from './map.module.css'

const route = getRouteApi('/')

/** How many nodes are drawn at most; the table has all. */
const mostDrawn = 1000

/** The map of a group stays as it was arranged as long as the page is open. */
const arranged = new Map<string, Layout>()

export function MapPage() {
  const { window, group, refresh } = useScope()
  const answer = useQuery({
    queryKey: ['graph', window, group],
    queryFn: ({ signal }) => getServiceGraph(window, group, signal),
  })
  const graph = useMemo(() => answer.data && graphOf(answer.data.Services), [answer.data])
  return (
    <Page title="Trace map" scoped fills>
      {answer.isError && !graph ? (
        <Failed what="The map is not there" error={answer.error} retry={() => void answer.refetch()} />
      ) : !graph ? (
        <Loading what="Asking for the map" />
      ) : graph.nodes.length === 0 ? (
        <NoServices onArrival={refresh} />
      ) : (
        <TraceMap graph={graph} old={answer.data!.ContainsOldGroupVersions} stale={answer.isError ? answer.error : null} />
      )}
    </Page>
  )
}

function TraceMap({ graph, old, stale }: { graph: Graph; old: boolean; stale: Error | null }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { window, group } = useScope()
  const [words, setWords] = useState('')
  const [target, setTarget] = useState<{ key: string } | null>(null)
  const field = useRef<HTMLInputElement>(null)
  const change = useCallback((next: MapSearch) => void navigate({ search: (before) => ({ ...before, ...next }), replace: false }), [navigate])
  const choose = useCallback((node: string | undefined) => change({ node, edge: undefined }), [change])
  const chooseEdge = useCallback((edge: string) => change({ node: undefined, edge }), [change])

  const drawn = useMemo(() => busiest(graph, mostDrawn), [graph])
  const [layout, setLayout] = useLayout(drawn, group ?? '')

  const insights = useInsights()
  const found = useMemo(() => {
    const wanted = words.trim().toLowerCase()
    if (wanted === '') return null
    return new Set(graph.nodes.filter((node) => `${node.name} ${node.type ?? ''}`.toLowerCase().includes(wanted)).map((node) => node.key))
  }, [graph, words])
  const goToFirst = () => {
    const first = graph.nodes.find((node) => found?.has(node.key))
    if (!first) return
    choose(first.key)
    setTarget({ key: first.key })
    setWords('')
  }
  useShortcuts('Trace map', [
    { keys: '/', does: 'Search a service', run: () => field.current?.focus() },
    { keys: 't', does: 'Map or table', run: () => change({ view: search.view === 'table' ? undefined : 'table' }) },
  ])

  const node = search.node === undefined ? undefined : graph.nodes.find((one) => one.key === search.node)
  const edge = search.edge === undefined ? undefined : graph.edges.find((one) => one.key === search.edge)
  const gone = (search.node !== undefined && !node) || (search.edge !== undefined && !edge)
  const seconds = window.end - window.start
  return (
    <div className={css.page}>
      <div className={css.main}>
        <div className={css.toolbar}>
          <Segmented
            label="View"
            value={search.view ?? 'map'}
            choices={[
              { value: 'map', label: 'Map' },
              { value: 'table', label: 'Table' },
            ]}
            onChange={(view) => change({ view: view === 'table' ? 'table' : undefined })}
          />
          <SearchField ref={field} label="Search a service" value={words} onChange={setWords} onEnter={goToFirst} />
          {found && (
            <span className="quiet" role="status">
              {plural(found.size, 'service')}
            </span>
          )}
          <span className="space" />
          {search.view !== 'table' && (
            <>
              <Select
                label="Size"
                labelled
                value={search.size ?? 'same'}
                choices={[
                  { value: 'same', label: 'Same' },
                  { value: 'traffic', label: 'By traffic' },
                  { value: 'failures', label: 'By failures' },
                ]}
                onChange={(size) => change({ size: size === 'same' ? undefined : size })}
              />
              <Select
                label="Figures"
                labelled
                value={search.labels ?? 'few'}
                choices={[
                  { value: 'few', label: 'On hover' },
                  { value: 'all', label: 'On all connections' },
                ]}
                onChange={(labels) => change({ labels: labels === 'all' ? 'all' : undefined })}
              />
              <Legend />
            </>
          )}
        </div>
        {stale && <Notice look="warning">What is shown is from before: {stale.message}</Notice>}
        {old && <Notice>The filter of the group was changed in this time; traces from before count by the old one.</Notice>}
        {gone && <Notice>What was chosen had no traffic in this time.</Notice>}
        {drawn !== graph && search.view !== 'table' && (
          <Notice>
            Drawn are the {count(mostDrawn)} services with the most traffic, of {count(graph.nodes.length)}. The table has all.
          </Notice>
        )}
        {search.view === 'table' ? (
          <MapTable graph={graph} seconds={seconds} node={search.node} found={found} onNode={choose} />
        ) : (
          <MapCanvas
            graph={drawn}
            layout={layout}
            seconds={seconds}
            node={node?.key}
            edge={edge?.key}
            size={search.size}
            labels={search.labels === 'all'}
            insights={insights}
            found={found}
            target={target}
            onNode={choose}
            onEdge={chooseEdge}
            onMove={(key, to) => setLayout(moveNode(layout, drawn, key, to))}
            onArrange={() => setLayout(place(input(drawn), null, spacingFor(drawn)))}
          />
        )}
        <Footnote graph={graph} />
      </div>
      {node && <NodePanel graph={graph} node={node} insight={insights.get(nodeKey({ name: node.name, type: node.type }))} onNode={choose} onEdge={chooseEdge} onClose={() => choose(undefined)} />}
      {edge && <EdgePanel graph={graph} edge={edge} onNode={choose} onClose={() => choose(undefined)} />}
    </div>
  )
}

function input(graph: Graph) {
  return { nodes: graph.nodes.map((node) => node.key), edges: graph.edges }
}

/** Large maps are drawn closer. */
function spacingFor(graph: Graph) {
  return graph.nodes.length > 120 ? { column: 240, row: 88 } : mapSpacing
}

/** useLayout keeps the places of the nodes of a group from one refresh to the next. */
function useLayout(graph: Graph, group: string): [Layout, (layout: Layout) => void] {
  const [own, setOwn] = useState<{ group: string; layout: Layout } | null>(null)
  const layout = useMemo(() => {
    const before = own?.group === group ? own.layout : (arranged.get(group) ?? null)
    return place(input(graph), before, spacingFor(graph))
  }, [graph, group, own])
  useEffect(() => void arranged.set(group, layout), [group, layout])
  return [
    layout,
    (next) => {
      arranged.set(group, next)
      setOwn({ group, layout: next })
    },
  ]
}

/** moveNode puts a node elsewhere; its edges go straight then. */
function moveNode(layout: Layout, graph: Graph, key: string, to: Point): Layout {
  const touched = new Set(graph.edges.filter((edge) => edge.from === key || edge.to === key).map((edge) => edge.key))
  return {
    places: new Map(layout.places).set(key, to),
    bends: new Map([...layout.bends].filter(([edge]) => !touched.has(edge))),
  }
}

/** What the numbers are of, and what they leave out. */
function Footnote({ graph }: { graph: Graph }) {
  const losses = useQuery({ queryKey: ['losses'], queryFn: ({ signal }) => getLosses(signal), staleTime: 30_000 })
  const lost = Object.entries(losses.data?.Counts ?? {}).filter(([reason, n]) => n > 0 && (reason === 'refused' || reason === 'dropped'))
  const requests = graph.nodes.filter((node) => node.kind === 'client').reduce((sum, node) => sum + node.figures.total, 0)
  return (
    <p className={css.footnote}>
      {plural(graph.nodes.length, 'service')}, {plural(graph.edges.length, 'connection')}, {plural(requests, 'request')} of clients. Counted is what was traced: what sampling left out is not there.
      {lost.length > 0 && ` Since its start the server ${lost.map(([reason, n]) => `${reason} ${plural(n, 'document')}`).join(' and ')}.`}
    </p>
  )
}

/** No service in this time: either there never was a trace, or there is none now. */
function NoServices({ onArrival }: { onArrival: () => void }) {
  const { window, group, setRange, setGroup } = useScope()
  const now = Date.now() / 1000
  const newest = useQuery({
    queryKey: ['newest', window],
    queryFn: async ({ signal }) => (await getTraceSummaries({ window: { start: now - 366 * 86_400, end: now + 60 } }, signal)).TraceSummaries[0] ?? null,
    refetchInterval: ({ state }) => (state.data === null ? 3000 : false),
    staleTime: 0,
  })
  const found = newest.data
  const wasEmpty = useRef(false)
  useEffect(() => {
    if (found === null) wasEmpty.current = true
    // The first trace ever: show it.
    else if (found && wasEmpty.current) {
      wasEmpty.current = false
      onArrival()
    }
  }, [found, onArrival])
  if (newest.isError) return <Failed what="The server does not tell whether it has traces" error={newest.error} retry={() => void newest.refetch()} />
  if (found === undefined) return <Loading what="Looking for traces" />
  if (found === null) return <FirstSteps />
  return (
    <Empty
      icon="map"
      title={group ? `No requests of the group ${group} in this time` : 'No requests in this time'}
      actions={
        <>
          <Button look="main" icon={<Icon name="time" />} onPress={() => setRange({ kind: 'between', start: Math.floor(found.StartTime) - 900, end: Math.ceil(found.StartTime) + 900 })}>
            Show the time of the newest trace
          </Button>
          <Button onPress={() => setRange({ kind: 'last', seconds: 86_400 })}>Last day</Button>
          {group && <Button onPress={() => setGroup(undefined)}>All traces</Button>}
        </>
      }
    >
      <p>The newest trace began {ago(found.StartTime, now)}.</p>
    </Empty>
  )
}
