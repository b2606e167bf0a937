import { getRouteApi, Link, useRouter } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState, type ReactNode } from 'react'
import type { AnalysisQuestion, Measure } from '../../api/analysis'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { useScope } from '../../app/scope'
import { useAnalysis, type Counting } from '../../app/useAnalysis'
import type { EditorHandle } from '../../editor/FilterEditor'
import { brushOf, narrowed, noBrush, printBrush, type Brush } from '../../model/brush'
import { and, not, quote, timesUpTo, toggle, withoutLast, withTimes, type Timed } from '../../model/filter'
import { count, duration, percent, plural, rate as rateOf } from '../../model/format'
import { countedFigures, outcomes, outcomeNames } from '../../model/outcome'
import { clock, printRange } from '../../model/time'
import { parseTraceId } from '../../model/traceId'
import { Button, linkLook } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { Mark } from '../../ui/Outcomes'
import { Select } from '../../ui/Select'
import { Empty, Failed, Loading, Notice } from '../../ui/State'
import { Charts, Selection } from './Charts'
import { ColumnsMenu } from './ColumnsMenu'
import { FilterBar } from './FilterBar'
import { fewValues, manyValues, Refiners } from './Refiners'
import { TraceList, type ListHandle } from './TraceList'
import { filterStore } from './filters'
import { attributesOf, awsCommand, columnsOf, mostRanked, mostRows, printAttributes, printColumns, rowOf, tomoCommand, traceLink } from './model'
import type { Order, TracesSearch } from './search'
import { useNewest } from './useNewest'
import { useTail } from './useTail'
import css from './traces.module.css'

const route = getRouteApi('/traces')

/** Dots that are drawn; of more traces, each stands for several. */
const mostDots = 2000

/** Traces that are ranked at first, as each is read whole; the rest of mostRanked follows who scrolls. */
const firstRanked = 200

const ranks = { oldest: 'Oldest', slowest: 'Slowest', fastest: 'Fastest' } as const

export function TracesPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const router = useRouter()
  const { window, group, range } = useScope()
  const { filter = '' } = search
  const live = search.live === 'on'
  const editor = useRef<EditorHandle>(null)
  const list = useRef<ListHandle>(null)
  const [menu, setMenu] = useState(false)
  const [saving, setSaving] = useState(false)
  const [checked, setChecked] = useState<readonly string[]>([])

  const change = (next: TracesSearch, replace = false) => void navigate({ search: (before) => ({ ...before, ...next }), replace })
  const open = (id: string, compare?: string) => router.history.push(traceLink(id, compare))
  const run = (text: string) => {
    const named = parseTraceId(text)
    if (named) return open(named.trace)
    change({ filter: text.trim() || undefined })
  }
  const check = (id: string) => setChecked((before) => (before.includes(id) ? before.filter((one) => one !== id) : [...before.slice(-1), id]))
  const attributes = attributesOf(search.by)
  const member = group ? `group.name = ${quote(group)}` : ''
  const commands = { origin: location.origin, range, window, filter: and(member, filter), live }
  useShortcuts('Traces', [
    { keys: '/', does: 'Edit the filter', run: () => editor.current?.focus() },
    { keys: 'h', does: 'History and saved filters (Alt ↓ in the filter)', run: () => setMenu(true) },
    { keys: 's', does: 'Save the filter', run: () => setSaving(true) },
    { keys: 'j', does: 'Next trace', run: () => list.current?.step(1) },
    { keys: 'k', does: 'Previous trace', run: () => list.current?.step(-1) },
    { keys: 'o', does: 'Open the trace (Enter in the list)', run: () => list.current?.openActive() },
    { keys: 'x', does: 'Check the trace to compare it', run: () => list.current?.checkActive() },
    { keys: 'c', does: 'Compare the two checked traces', run: () => checked[0] && checked[1] && open(checked[0], checked[1]) },
    { keys: 'f', does: 'Fold the refiners', run: () => change({ by: attributes ? 'none' : undefined }, true) },
    { keys: 'v', does: 'Fold the charts', run: () => change({ charts: search.charts ? undefined : 'off' }, true) },
    { keys: 'l', does: 'Live, or not', run: () => change({ live: live ? undefined : 'on' }) },
  ])

  const compare = checked.length > 0 && (
    <span className={css.compare}>
      {checked.length === 2 ? (
        <a
          className={linkLook('main')}
          href={traceLink(checked[0]!, checked[1])}
          onClick={(event) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey) return
            event.preventDefault()
            open(checked[0]!, checked[1])
          }}
        >
          Compare
        </a>
      ) : (
        <span className="quiet">Check another to compare</span>
      )}
      <button type="button" className="word-button" onClick={() => setChecked([])}>
        Uncheck
      </button>
    </span>
  )
  const shared = { columns: columnsOf(search.cols), checked, onCheck: check, onOpen: open, handle: list }
  const tools = (
    <>
      {compare}
      <ColumnsMenu columns={shared.columns} onColumns={(columns) => change({ cols: printColumns(columns) }, true)} />
      <Button look={live ? 'main' : 'plain'} icon={<span className={live ? css.beat : css.still} />} aria-pressed={live} onPress={() => change({ live: live ? undefined : 'on' })}>
        Live
      </Button>
    </>
  )
  return (
    <Page title="Traces" scoped fills>
      <FilterBar
        filter={filter}
        onFilter={run}
        window={window}
        editor={editor}
        menu={menu}
        onMenu={setMenu}
        saving={saving}
        onSaving={setSaving}
        commands={[
          { label: 'tomo', command: tomoCommand(commands), note: live ? 'Prints traces as they come.' : 'Prints the newest first; --by counts by an attribute.' },
          ...(live ? [] : [{ label: 'aws', command: awsCommand(commands), note: range.kind === 'last' ? 'With the time as it is now: the CLI of AWS has none that moves.' : '' }]),
        ]}
      />
      {live ? <LiveTraces asked={and(member, filter)} shared={shared} tools={tools} /> : <PastTraces search={search} change={change} attributes={attributes} member={member} shared={shared} tools={tools} />}
    </Page>
  )
}

type Shared = Pick<Parameters<typeof TraceList>[0], 'columns' | 'checked' | 'onCheck' | 'onOpen' | 'handle'>

interface PastProps {
  search: TracesSearch
  change: (next: TracesSearch & { since?: string | undefined; from?: string | undefined; to?: string | undefined }, replace?: boolean) => void
  attributes: readonly string[] | null
  /** The condition of the group that is chosen. */
  member: string
  shared: Shared
  tools: ReactNode
}

/** The traces of a time. */
function PastTraces({ search, change, attributes, member, shared, tools }: PastProps) {
  const { window, group, setRange, setGroup } = useScope()
  const { filter = '' } = search
  const [typing, setTyping] = useState(false)
  const brush = useMemo(() => brushOf({ at: search.at, took: search.took }), [search.at, search.took])
  const measure: Measure = search.time === 'response' ? 'ResponseTime' : 'Duration'
  const keyword: Timed = measure === 'Duration' ? 'duration' : 'responsetime'
  const within = narrowed(window, brush.at)
  const inside = brush.took ? and(filter, timesUpTo(keyword, brush.took)) : filter
  const order: Order = search.sort ?? 'newest'
  const more = attributes && search.more && attributes.includes(search.more) ? search.more : undefined

  // One scan counts all there is to draw, unless a part of it is selected: what is drawn stays then.
  const selected = brush.at !== null || brush.took !== null
  const base: Omit<AnalysisQuestion, 'window'> = { group, measure }
  const values = { attributes: attributes ?? [], top: more ? manyValues : fewValues }
  const whole = useAnalysis({ ...base, window, filter, ...values, ...(search.charts === 'off' ? {} : { dots: mostDots }) }, true)
  const part = useAnalysis({ ...base, window: within ?? window, filter: inside, ...values }, selected && within !== null)
  const counting = selected ? part : whole
  const rankedName = JSON.stringify([inside, member, order])
  const [deep, setDeep] = useState('') // the list that was scrolled down: of it all that there is
  const limit = deep === rankedName ? mostRanked : firstRanked
  const ranking = useAnalysis({ ...base, window: within ?? window, filter: inside, traces: limit, ...(search.sort ? { order: ranks[search.sort] } : {}) }, search.sort !== undefined && within !== null)
  const newest = useNewest(within ?? window, and(member, inside), search.sort === undefined && within !== null)

  const set = counting.data?.Sets[0]
  const figures = set && !counting.stale ? countedFigures(set) : null
  const ranked = useMemo(() => ranking.data?.Sets[0] && (ranking.data.Sets[0].Traces ?? []).map(rowOf), [ranking.data])
  const rows = search.sort ? (ranked ?? []) : newest.rows
  const error = search.sort ? ranking.error : newest.error
  const ready = search.sort ? ranked !== undefined : newest.ready
  const stale = search.sort ? ranking.stale : newest.stale

  const [activeId, setActiveId] = useState('')
  const active = useMemo(() => rows.findIndex((row) => row.id === activeId), [rows, activeId])

  // What was run without a mistake is worth remembering.
  useEffect(() => {
    if (filter && ready && !stale && !error) filterStore.remember(filter)
  }, [filter, ready, stale, error])

  useShortcuts('Traces', [{ keys: 'b', does: 'Select a time or durations by typing', run: () => setTyping(true) }])
  const setBrush = (next: Brush) => change(printBrush(next), true)
  const refine = () => {
    const times = brush.at && within ? printRange({ kind: 'between', ...within }) : {}
    change({ ...times, filter: brush.took ? withTimes(filter, keyword, brush.took) : search.filter, at: undefined, took: undefined })
    setTyping(false)
  }
  const selecting = typing || selected
  const scale = useMemo(() => {
    const times = set && (measure === 'Duration' ? set.Duration : set.ResponseTime)
    return Math.max(0.001, order === 'slowest' ? ((ranked?.[0]?.[measure === 'Duration' ? 'duration' : 'response'] ?? times?.P99 ?? 1)) : (times?.P95 ?? 1) * 1.15)
  }, [set, measure, order, ranked])

  const empty = ready && !stale && rows.length === 0 && (search.sort !== undefined || newest.complete)
  const all = counting.data && !counting.stale ? counting.data.TotalCount : newest.total
  return (
    <>
      {search.charts !== 'off' && <Charts counting={whole} window={window} measure={measure} onMeasure={(wanted) => change({ time: wanted === 'ResponseTime' ? 'response' : undefined }, true)} brush={brush} onBrush={setBrush} onOpen={shared.onOpen} />}
      {selecting && (
        <Selection
          brush={brush}
          window={window}
          measure={measure}
          total={figures ? figures.total : null}
          typed={typing}
          onBrush={setBrush}
          onRefine={refine}
          onClose={() => {
            setTyping(false)
            setBrush(noBrush)
          }}
        />
      )}
      <div className={css.below}>
        {attributes && (
          <Refiners
            counting={counting}
            window={window}
            filter={filter}
            attributes={attributes}
            more={more}
            onAttributes={(wanted) => change({ by: printAttributes(wanted) }, true)}
            onMore={(attribute) => change({ more: attribute }, true)}
            onCondition={(condition) => change({ filter: toggle(filter, condition) || undefined })}
            onClose={() => change({ by: 'none' }, true)}
          />
        )}
        <div className={css.list}>
          <div className={css.toolbar}>
            {!attributes && (
              <Button icon={<Icon name="sampling" size={14} />} onPress={() => change({ by: undefined }, true)}>
                Refine
              </Button>
            )}
            <p className={css.summary}>
              {figures ? (
                <>
                  <strong>{plural(figures.total, 'trace')}</strong>
                  {all !== null && all !== figures.total && <span className="quiet"> of {count(all)} in this time</span>}
                  {figures.total > 0 &&
                    outcomes
                      .filter((outcome) => outcome !== 'ok' && figures[outcome] > 0)
                      .map((outcome) => (
                        <span key={outcome} className={css.tally} title={`${outcomeNames[outcome]}: ${percent(figures[outcome] / figures.total)}`}>
                          <Mark outcome={outcome} />
                          {count(figures[outcome])}
                          <span className="hidden-visually"> {outcomeNames[outcome]}</span>
                        </span>
                      ))}
                </>
              ) : counting.error ? (
                'Not counted'
              ) : (
                <span className="quiet">Counting…</span>
              )}
            </p>
            <span className="space" />
            <Select
              label="Order"
              labelled
              value={order}
              choices={[
                { value: 'newest', label: 'Newest first' },
                { value: 'oldest', label: 'Oldest first', note: `the first ${count(mostRanked)}; looks at all` },
                { value: 'slowest', label: 'Slowest first', note: `the first ${count(mostRanked)}; looks at all` },
                { value: 'fastest', label: 'Fastest first', note: `the first ${count(mostRanked)}; looks at all` },
              ]}
              onChange={(wanted) => change({ sort: wanted === 'newest' ? undefined : wanted })}
            />
            <Link to="/analytics" search={inside ? { sets: 'own', a: inside, b: not(inside) } : {}} className={linkLook('plain')} title={inside ? 'What these have more often than the others of the time' : 'What the slow and the failed have more often'}>
              <Icon name="analytics" size={14} />
              Analyse
            </Link>
            {search.charts === 'off' && <Button onPress={() => change({ charts: undefined }, true)}>Charts</Button>}
            {tools}
          </div>
          <Scanning newest={search.sort ? null : newest} analyses={[whole, part, ranking]} rows={rows.length} windowEnd={window.end} />
          {counting.data && counting.data.DroppedCount > 0 && <Notice>Keep rules dropped {plural(counting.data.DroppedCount, 'trace')} of this time. They are counted on the map, and in nothing here.</Notice>}
          {within === null ? (
            <Empty title="The selection lies outside of this time" actions={<Button onPress={() => setBrush({ at: null, took: brush.took })}>Clear it</Button>} />
          ) : error && rows.length === 0 ? (
            <Failed what="The search failed" error={error} retry={search.sort ? ranking.go : newest.go} />
          ) : (search.sort ? ranking.stopped : newest.stopped && rows.length === 0) ? (
            <Empty
              title="The search was stopped"
              actions={
                <Button look="main" icon={<Icon name="play" />} onPress={search.sort ? ranking.go : newest.go}>
                  Go on
                </Button>
              }
            />
          ) : empty ? (
            <NoTraces total={all} filter={filter} brush={brush} group={group} onFilter={(text) => change({ filter: text || undefined })} onGroup={() => setGroup(undefined)} onBrush={setBrush} onDay={() => setRange({ kind: 'last', seconds: 86_400 })} />
          ) : !ready || rows.length === 0 ? (
            <Loading what="Searching" />
          ) : (
            <TraceList
              {...shared}
              label="Traces"
              rows={rows}
              total={figures ? figures.total : null}
              order={order}
              measure={measure}
              scale={scale}
              onOrder={(wanted) => change({ sort: wanted === 'newest' ? undefined : wanted })}
              active={active}
              onActive={(row) => setActiveId(rows[row]?.id ?? '')}
              onSeen={(index) => {
                if (!search.sort) newest.want(index + 1)
                else if (index > firstRanked - 50) setDeep(rankedName)
              }}
              stale={stale}
              foot={search.sort ? <RankedFoot rows={rows.length} limit={limit} total={figures?.total ?? null} order={order} /> : <NewestFoot newest={newest} total={figures?.total ?? null} onOlder={(end) => setRange({ kind: 'between', start: window.start, end })} />}
            />
          )}
        </div>
      </div>
    </>
  )
}

/** How far the searches are, and how to end them. It shows itself only if they take a while. */
function Scanning({ newest, analyses, rows, windowEnd }: { newest: ReturnType<typeof useNewest> | null; analyses: readonly Counting[]; rows: number; windowEnd: number }) {
  const counting = analyses.filter((one) => one.running)
  const searching = newest?.running ?? false
  const stopped = analyses.some((one) => one.stopped) || (newest?.stopped ?? false)
  if (!searching && counting.length === 0) {
    if (!stopped) return null
    return (
      <div className={css.scan}>
        <span role="status">
          Stopped. {newest?.reached && !newest.complete && `Searched back to ${clock(newest.reached.back, windowEnd)}, ${percent(newest.reached.share)} of the time: ${plural(rows, 'trace')} found.`}
        </span>
        <span className="space" />
        <Button
          icon={<Icon name="play" size={14} />}
          onPress={() => {
            if (newest?.stopped) newest.go()
            for (const one of analyses) if (one.stopped) one.go()
          }}
        >
          Go on
        </Button>
      </div>
    )
  }
  const slowest = counting.reduce<Counting | null>((least, one) => (least && (least.done ?? 0) <= (one.done ?? 0) ? least : one), null)
  const share = searching ? (newest?.reached?.share ?? 0) : (slowest?.done ?? 0)
  const looked = slowest?.progress
  return (
    <div className={`${css.scan} ${css.late}`}>
      <div className={css.progress} role="progressbar" aria-label="Progress of the search" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(share * 100)}>
        <span style={{ width: `${share * 100}%` }} />
      </div>
      <span role="status">
        {searching && (newest?.reached ? <>Searched back to {clock(newest.reached.back, windowEnd)}, {percent(newest.reached.share)} of the time, {plural(rows, 'trace')} found. </> : <>Searching from the newest back. </>)}
        {looked && <>Counted {count(looked.Looked)} of {count(looked.Total)} traces{looked.ToRead > 0 && `, ${count(looked.Read)} of ${count(looked.ToRead)} read whole`}.</>}
      </span>
      <span className="space" />
      <Button
        icon={<Icon name="stop" size={14} />}
        onPress={() => {
          if (newest?.running) newest.stop()
          for (const one of counting) one.stop()
        }}
      >
        Stop
      </Button>
    </div>
  )
}

function NewestFoot({ newest, total, onOlder }: { newest: ReturnType<typeof useNewest>; total: number | null; onOlder: (end: number) => void }) {
  if (newest.error)
    return (
      <>
        {newest.error.message} <Button onPress={newest.go}>Try again</Button>
      </>
    )
  if (newest.full)
    return (
      <>
        A list holds {count(mostRows)} traces. <Button onPress={() => onOlder(newest.rows.at(-1)!.start)}>Show older ones</Button>
      </>
    )
  if (!newest.complete) return <>{newest.stopped ? 'Stopped.' : 'Searching for more…'}</>
  const missing = total === null ? 0 : total - newest.rows.length
  if (missing > 0) return <>These {count(newest.rows.length)} are all that are listed; {plural(missing, 'other')} came since, or the indexing rule leaves them out.</>
  return <>That is all: {plural(newest.rows.length, 'trace')}.</>
}

function RankedFoot({ rows, limit, total, order }: { rows: number; limit: number; total: number | null; order: Order }) {
  if (total === null || rows >= total) return <>That is all: {plural(rows, 'trace')}.</>
  if (rows >= firstRanked && rows < limit) return <>Reading more…</>
  if (rows < limit) return <>{plural(total - rows, 'trace')} without a time {total - rows === 1 ? 'is' : 'are'} left out.</>
  return (
    <>
      The {order} {count(rows)} of {count(total)}. The server ranks {limit < mostRanked ? 'more as you scroll' : 'no more: refine to see others'}.
    </>
  )
}

interface NoTracesProps {
  total: number | null
  filter: string
  brush: Brush
  group: string | undefined
  onFilter: (filter: string) => void
  onGroup: () => void
  onBrush: (brush: Brush) => void
  onDay: () => void
}

/** Nothing was found: why that may be, and what to do. */
function NoTraces({ total, filter, brush, group, onFilter, onGroup, onBrush, onDay }: NoTracesProps) {
  const shorter = withoutLast(filter)
  if (total === 0) {
    return (
      <Empty title="No traces in this time" icon="traces" actions={<Button onPress={onDay}>Last day</Button>}>
        <p>
          The <Link to="/" className={css.link}>
            trace map
          </Link> tells how to send the first ones.
        </p>
      </Empty>
    )
  }
  return (
    <Empty
      title={total === null ? 'No trace matches' : `None of ${plural(total, 'trace')} matches`}
      actions={
        <>
          {(brush.at ?? brush.took) && <Button onPress={() => onBrush(noBrush)}>Without the selection</Button>}
          {shorter && (
            <Button onPress={() => onFilter(shorter.rest)}>
              Without <code className={css.ellipsis}>{shorter.last}</code>
            </Button>
          )}
          {filter && !shorter && <Button onPress={() => onFilter('')}>Without the filter</Button>}
          {group && <Button onPress={onGroup}>Outside of the group {group}</Button>}
          <Button onPress={onDay}>Last day</Button>
        </>
      }
    />
  )
}

/** Traces as they come. */
function LiveTraces({ asked, shared, tools }: { asked: string; shared: Shared; tools: ReactNode }) {
  const [paused, setPaused] = useState(false)
  const { tail, error, rate, resume } = useTail(asked, paused, true)
  const [activeId, setActiveId] = useState('')
  const { rows, waiting } = tail
  const active = rows.findIndex((row) => row.id === activeId)
  const pause = () => {
    if (paused) resume()
    setPaused(!paused)
  }
  useShortcuts('Traces', [{ keys: 'p', does: 'Pause, or go on', run: pause }])
  const scale = useMemo(() => {
    const times = rows.map((row) => row.duration ?? 0).sort((a, b) => a - b)
    return Math.max(0.001, (times[Math.floor(times.length * 0.95)] ?? 1) * 1.15)
  }, [rows])
  return (
    <div className={css.list}>
      <div className={css.toolbar}>
        <Button look={paused ? 'main' : 'plain'} icon={<Icon name={paused ? 'play' : 'pause'} size={14} />} onPress={pause}>
          {paused ? `Go on${waiting.length > 0 ? `: ${count(waiting.length)} wait` : ''}` : 'Pause'}
        </Button>
        <p className={css.summary} role="status">
          {paused ? 'Paused.' : <>{rateOf(Math.max(0, rate), 1)}</>} <span className="quiet">{plural(tail.came, 'trace')} came{tail.came > rows.length + waiting.length ? `, the last ${count(rows.length)} are here` : ''}</span>
        </p>
        <span className="space" />
        {tools}
      </div>
      {(tail.overflows > 0 || tail.dropped > 0) && (
        <Notice look="warning">
          {tail.overflows > 0 && `${plural(tail.overflows, 'time')} more came at once than are shown, and the oldest of them were skipped. `}
          {tail.dropped > 0 && `${plural(tail.dropped, 'trace')} that waited ${tail.dropped === 1 ? 'was' : 'were'} dropped, as too many did. `}A filter makes it fewer.
        </Notice>
      )}
      {error && <Notice look="warning">It goes on when the server answers again: {error.message}</Notice>}
      {rows.length === 0 ? (
        <Empty icon="traces" title={error ? 'Nothing yet' : 'Waiting for traces'}>
          <p>{asked ? 'Those that match are shown as soon as something of them is received.' : 'They are shown as soon as something of them is received.'}</p>
        </Empty>
      ) : (
        <TraceList
          {...shared}
          label="Traces as they come"
          rows={rows}
          total={rows.length}
          order="newest"
          measure="Duration"
          scale={scale}
          active={active}
          onActive={(index) => setActiveId(rows[index]?.id ?? '')}
          onSeen={() => undefined}
          stale={false}
          foot={`In the order in which they came; a bar in full is ${duration(scale)}.`}
        />
      )}
    </div>
  )
}
