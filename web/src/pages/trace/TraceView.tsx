import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { Fragment, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { getLosses } from '../../api/losses'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { count, duration, milliseconds, percent, plural } from '../../model/format'
import { titleOf as nodeTitle } from '../../model/graph'
import { ago, moment } from '../../model/time'
import { w3cId } from '../../model/traceId'
import { Button, IconButton } from '../../ui/Button'
import { Copy } from '../../ui/Copy'
import { Icon } from '../../ui/Icon'
import { Mark, OutcomeBadge } from '../../ui/Outcomes'
import { Popover } from '../../ui/Popover'
import { SearchField } from '../../ui/SearchField'
import { Segmented } from '../../ui/Segmented'
import { Empty } from '../../ui/State'
import { CompareDialog } from './CompareDialog'
import { save } from './download'
import { Drawer } from './Drawer'
import { totalsOf } from './model/compare'
import { criticalPath, type CriticalPath } from './model/critical'
import { find } from './model/find'
import { coloursOf, isNode, lacksOf, worstInside } from './model/looks'
import { isHidden, keyOf, namesOf, rows as rowsOf, seenIn, unfolding, type Row, type Shown } from './model/rows'
import { clockSkews, skews as skewsOf } from './model/skew'
import { isStandIn, type Span, type Trace } from './model/tree'
import { around, isWhole, pan, whole, zoomAt } from './model/view'
import { Names } from './Names'
import { Overview } from './Overview'
import type { TraceSearch } from './search'
import { TraceMap } from './TraceMap'
import { useDraft } from './useDraft'
import { useZoom, type Zoom } from './useZoom'
import { colourOf, Waterfall, type Drawing, type WaterfallHandle } from './Waterfall'
import css from './trace.module.css'

const route = getRouteApi('/traces/$trace')

interface TraceViewProps {
  trace: Trace
  title: string
  /** It is read again by itself. */
  lively: boolean
  /** When it was read last, in seconds since 1970. */
  seen: number
  /** Reading it again failed. */
  failed: Error | null
  /** The span that the path names, as a traceparent does. */
  span: string | undefined
}

export function TraceView({ trace, title, lively, seen, failed, span: named }: TraceViewProps) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const change = useCallback((next: TraceSearch) => void navigate({ search: (before) => ({ ...before, ...next }), replace: true }), [navigate])
  const [comparing, setComparing] = useState(false)
  const field = useRef<HTMLInputElement>(null)
  const waterfall = useRef<WaterfallHandle>(null)

  const critical = useMemo(() => criticalPath(trace), [trace])
  const skews = useMemo(() => skewsOf(trace), [trace])
  const names = useMemo(() => (search.by === 'name' ? namesOf(trace, critical.bySpan) : []), [trace, critical, search.by])
  const showsPath = search.path !== 'off'

  // Rows
  const turned = useMemo(() => new Set(search.fold?.split(',') ?? []), [search.fold])
  const by = search.by === 'service' ? 'service' : 'call'
  const depth = search.depth ? Number(search.depth) : null
  const inferred = search.inferred === 'rows'
  // Searching
  const [wanted, setWanted] = useDraft(search.find ?? '', (text) => change({ find: text || undefined, ...(text === '' ? { only: undefined } : {}) }))
  // What an inferred segment says is found at the call with which it is shown.
  const found = useMemo(() => [...new Set(find(trace, wanted).map((index) => seenIn(trace.spans[index]!, { inferred, by }).index))], [trace, wanted, inferred, by])
  const hits = useMemo(() => (wanted.trim() === '' ? null : new Set(found)), [found, wanted])

  const only = search.only === 'hits' ? hits : null
  const shown = useMemo((): Shown => ({ by, depth, turned, inferred, only }), [by, depth, turned, inferred, only])
  const rows = useMemo(() => (search.by === 'name' ? [] : rowsOf(trace, shown)), [trace, shown, search.by])
  const setTurned = (keys: ReadonlySet<string>) => change({ fold: [...keys].slice(-mostTurned).join(',') || undefined })
  const turn = (...keys: string[]) => {
    const next = new Set(turned)
    for (const key of keys) if (!next.delete(key)) next.add(key)
    setTurned(next)
  }
  const levels = useMemo(() => trace.spans.reduce((most, span) => Math.max(most, isHidden(span, { inferred, by }) ? 0 : by === 'service' ? span.depth - span.segment.depth + 2 : span.depth + 1), 1), [trace, inferred, by])

  // What is chosen
  const chosenKey = search.span ?? named
  const span = chosenKey === undefined ? null : (trace.byId.get(chosenKey) ?? trace.spans.find((one) => keyOf(one) === chosenKey) ?? null)
  const [heading, setHeading] = useState<string | null>(null)
  const rowKey = span ? keyOf(seenIn(span, shown)) : heading
  const choose = useCallback((row: Row) => {
    if (row.kind === 'span') {
      setHeading(null)
      change({ span: keyOf(row.span) })
    } else {
      setHeading(row.key)
      change({ span: undefined })
    }
  }, [change])
  /** Shows a span wherever it is folded away. */
  const show = (to: Span, tab?: string) => {
    const keys = unfolding(seenIn(to, shown), shown)
    const next = new Set(turned)
    for (const key of keys) if (!next.delete(key)) next.add(key)
    change({ span: keyOf(to), fold: [...next].slice(-mostTurned).join(',') || undefined, ...(tab ? { tab } : {}), ...(search.by === 'name' ? { by: undefined } : {}), ...(only && !only.has(to.index) ? { only: undefined } : {}) })
  }

  // Hits, in the order of the rows
  const ordered = useMemo(() => {
    if (by === 'call' || search.by === 'name') return found
    const place = new Map(rowsOf(trace, { ...shown, depth: null, turned: new Set() }).flatMap((row, i) => (row.kind === 'span' ? [[row.span.index, i] as const] : [])))
    return [...found].sort((a, b) => (place.get(a) ?? 0) - (place.get(b) ?? 0))
  }, [found, by, search.by, trace, shown])
  const current = span ? ordered.indexOf(span.index) : -1
  const goToHit = (step: 1 | -1) => {
    if (ordered.length === 0) return
    const behind = span ? ordered.findIndex((index) => index > span.index) : 0
    const next = behind < 0 ? ordered.length : behind
    const from = current >= 0 ? current : step > 0 ? next - 1 : next
    show(trace.spans[ordered[(from + step + ordered.length) % ordered.length]!]!)
  }

  // Time
  const all = useMemo(() => whole(trace.end - trace.start), [trace])
  const zoom = useZoom(all, search.zoom, (text) => change({ zoom: text }))
  const zoomTo = (to: Span) => zoom.setView(around(to.start - trace.start, to.end - trace.start, all))

  const lit = search.node ?? null
  const chooseNode = (key: string | undefined) => {
    if (key === undefined) return change({ node: undefined })
    const first = trace.spans.find((one) => one.segment === one && isNode(one.service, key))
    if (first) show(first)
    change({ node: key })
  }
  const litService = lit === null ? null : (trace.services.find((service) => isNode(service, lit))?.key ?? null)

  const drawing = useMemo(
    (): Drawing => ({
      trace,
      critical: showsPath ? critical : null,
      skews: new Map(skews.map((skew) => [skew.span.index, skew])),
      worst: worstInside(trace),
      colours: coloursOf(trace),
      byOutcome: search.colour === 'outcome',
      inferred: inferred || by === 'service',
      hits,
      lit: litService,
    }),
    [trace, critical, showsPath, skews, search.colour, inferred, by, hits, litService],
  )

  const step = (to: number) => {
    const at = rows.findIndex((row) => row.key === rowKey)
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + to))]
    if (next) choose(next)
  }
  const setDepth = (next: number | null) => change({ depth: next === null || next >= levels ? undefined : String(Math.max(1, next)), fold: undefined })
  const close = () => change({ span: undefined, tab: undefined, node: undefined })
  useShortcuts('Trace', [
    { keys: '/', does: 'Search in the trace', run: () => field.current?.focus() },
    { keys: 'n', does: 'Next hit', run: () => goToHit(1) },
    { keys: 'p', does: 'Hit before', run: () => goToHit(-1) },
    { keys: 'j', does: 'Next row', run: () => step(1) },
    { keys: 'k', does: 'Row before', run: () => step(-1) },
    { keys: '>', does: 'One level more', run: () => setDepth((depth ?? levels) + 1) },
    { keys: '<', does: 'One level less', run: () => setDepth((depth ?? levels) - 1) },
    { keys: 'e', does: 'Unfold everything', run: () => setDepth(null) },
    { keys: 'c', does: 'Fold everything', run: () => setDepth(1) },
    { keys: '+', does: 'Zoom in', run: () => zoom.setView((view) => zoomAt(view, all, 1.5, 0.5)) },
    { keys: '-', does: 'Zoom out', run: () => zoom.setView((view) => zoomAt(view, all, 1 / 1.5, 0.5)) },
    { keys: '0', does: 'The whole time', run: () => zoom.setView(all) },
    { keys: 'a', does: 'Earlier', run: () => zoom.setView((view) => pan(view, all, -0.25)) },
    { keys: 'd', does: 'Later', run: () => zoom.setView((view) => pan(view, all, 0.25)) },
    { keys: 'z', does: 'Zoom to what is chosen', run: () => span && zoomTo(span) },
    { keys: 's', does: 'By call or by service', run: () => change({ by: by === 'service' ? undefined : 'service', fold: undefined, depth: undefined }) },
    { keys: 't', does: 'Names with their figures', run: () => change({ by: search.by === 'name' ? undefined : 'name' }) },
    { keys: 'x', does: 'Critical path', run: () => change({ path: showsPath ? 'off' : undefined }) },
    { keys: 'i', does: 'Inferred segments as rows', run: () => change({ inferred: inferred ? undefined : 'rows' }) },
    { keys: 'o', does: 'Colours: services or outcomes', run: () => change({ colour: search.colour === 'outcome' ? undefined : 'outcome' }) },
    { keys: 'm', does: 'The map', run: () => change({ map: search.map === 'off' ? undefined : 'off' }) },
    { keys: 'v', does: 'Compare with another trace', run: () => setComparing(true) },
    { keys: 'Escape', does: 'Choose nothing', run: close },
  ])

  const standIns = useMemo(() => trace.spans.filter(isStandIn).length, [trace])
  return (
    <Page
      title={title}
      fills
      tools={<Identity trace={trace} onCompare={() => setComparing(true)} />}
      aside={
        <>
          {trace.root && <OutcomeBadge outcome={trace.root.outcome} text={trace.root.status === null ? trace.root.outcome : `${trace.root.outcome} ${trace.root.status}`} />}
          {lively && (
            <span className={css.waiting} role="status" title="It is read again every few seconds, as more of it may come.">
              <span className="pulse" /> live
            </span>
          )}
        </>
      }
    >
      <div className={css.page}>
        <div className={css.main}>
          <Facts trace={trace} critical={critical} drawing={drawing} seen={seen} />
          <Lacking trace={trace} skews={clockSkews(skews)} failed={failed} onSpan={show} />
          {trace.spans.length === 0 ? (
            <Empty icon="time" title="Only pieces of this trace have come">
              Subsegments are here, but no segment that they belong to. They are shown as soon as it comes{lively ? '; the page looks again by itself' : ''}.
            </Empty>
          ) : (
            <>
              {search.map !== 'off' && <TraceMap id={trace.id} version={trace.spans.length} node={search.node} service={span?.service} onNode={chooseNode} />}
              <div className={css.toolbar}>
                <SearchField
                  ref={field}
                  label="Search in the trace"
                  value={wanted}
                  onChange={setWanted}
                  onEnter={() => goToHit(1)}
                />
                {hits && (
                  <span className={css.hits}>
                    <span role="status">{ordered.length === 0 ? 'no hit' : current >= 0 ? `${count(current + 1)} of ${plural(ordered.length, 'hit')}` : plural(ordered.length, 'hit')}</span>
                    <IconButton label="Hit before" shortcut="p" icon={<Icon name="left" size={14} />} onPress={() => goToHit(-1)} isDisabled={ordered.length === 0} />
                    <IconButton label="Next hit" shortcut="n" icon={<Icon name="right" size={14} />} onPress={() => goToHit(1)} isDisabled={ordered.length === 0} />
                    <label className={css.check}>
                      <input type="checkbox" checked={search.only === 'hits'} onChange={(event) => change({ only: event.target.checked ? 'hits' : undefined })} /> only these
                    </label>
                  </span>
                )}
                <Segmented
                  label="Rows"
                  value={search.by ?? 'call'}
                  choices={[
                    { value: 'call', label: 'Calls' },
                    { value: 'service', label: 'Services' },
                    { value: 'name', label: 'Names' },
                  ]}
                  onChange={(value) => change({ by: value === 'call' ? undefined : value, fold: undefined, depth: undefined })}
                />
                {search.by !== 'name' && (
                  <span className={css.levels} role="group" aria-label="Levels">
                    <IconButton label="One level less" shortcut="<" icon={<Icon name="minus" size={14} />} onPress={() => setDepth((depth ?? levels) - 1)} isDisabled={depth === 1} />
                    <span>{depth === null ? `all ${count(levels)} levels` : `${count(Math.min(depth, levels))} of ${plural(levels, 'level')}`}</span>
                    <IconButton label="One level more" shortcut=">" icon={<Icon name="plus" size={14} />} onPress={() => setDepth((depth ?? levels) + 1)} isDisabled={depth === null && turned.size === 0} />
                  </span>
                )}
                <span className="space" />
                {search.by !== 'name' && !isWhole(zoom.view, all) && (
                  <IconButton label="Whole time" shortcut="0" look="plain" icon={<Icon name="fit" size={15} />} onPress={() => zoom.setView(all)} />
                )}
                <ViewMenu
                  zoom={search.by === 'name' ? null : zoom}
                  choices={[
                    { label: 'Critical path', key: 'x', note: 'What the end of the request waited for: the dark line', on: showsPath, turn: () => change({ path: showsPath ? 'off' : undefined }) },
                    { label: `Inferred segments as rows (${count(standIns)})`, key: 'i', note: 'What callers saw of services that sent no segment. Otherwise it is shown with the call, hatched.', on: inferred, turn: () => change({ inferred: inferred ? undefined : 'rows' }) },
                    { label: 'Colours of outcomes', key: 'o', note: 'Otherwise each service has one, and failures theirs', on: search.colour === 'outcome', turn: () => change({ colour: search.colour === 'outcome' ? undefined : 'outcome' }) },
                    { label: 'Map', key: 'm', note: 'Of this trace, above the rows', on: search.map !== 'off', turn: () => change({ map: search.map === 'off' ? undefined : 'off' }) },
                  ]}
                />
              </div>
              {search.by === 'name' ? (
                <Names names={names} response={critical.time} onSpan={show} />
              ) : (
                <>
                  <Overview trace={trace} critical={showsPath ? critical : null} hits={found.map((index) => trace.spans[index]!.start - trace.start)} zoom={zoom} />
                  {rows.length === 0 ? <Empty title="Nothing in this trace says that">Another word may. Names, ids, URLs, statements, annotations, metadata and exceptions are searched.</Empty> : <Waterfall rows={rows} drawing={drawing} zoom={zoom} chosen={rowKey} onChoose={choose} onTurn={(key) => turn(key)} onOpen={() => document.querySelector<HTMLElement>('aside [role=tab][aria-selected=true]')?.focus()} handle={waterfall} />}
                </>
              )}
            </>
          )}
        </div>
        {span && <Drawer key={keyOf(span)} span={span} trace={trace} critical={critical} skew={drawing.skews.get(span.index)} tab={search.tab} onTab={(tab) => change({ tab: tab === 'overview' ? undefined : tab })} onSpan={show} onZoom={zoomTo} onClose={close} />}
        {!span && chosenKey !== undefined && <Gone id={chosenKey} onClose={close} />}
      </div>
      {comparing && <CompareDialog trace={trace} onClose={() => setComparing(false)} />}
    </Page>
  )
}

/** So many rows that were turned are kept in the URL. */
const mostTurned = 200

function Gone({ id, onClose }: { id: string; onClose: () => void }) {
  return (
    <aside className={css.gone} aria-label="What was chosen">
      <Empty title="What was chosen is not in this trace" actions={<Button onPress={onClose}>Choose nothing</Button>}>
        <p>
          No segment or subsegment has the id <code>{id.slice(0, 40)}</code>.
        </p>
      </Empty>
    </aside>
  )
}

/** What the trace is, in figures. */
function Facts({ trace, critical, drawing, seen }: { trace: Trace; critical: CriticalPath; drawing: Drawing; seen: number }) {
  const totals = useMemo(() => totalsOf(trace), [trace])
  const failed = trace.spans.filter((span) => span.outcome !== 'ok')
  const worst = drawing.trace.spans.length > 0 ? (failed.find((span) => span.outcome === 'fault') ?? failed[0]) : undefined
  return (
    <div className={css.facts}>
      <dl>
        <div>
          <dt>Response time</dt>
          <dd>{totals.response === null ? '–' : duration(totals.response)}</dd>
        </div>
        <div>
          <dt>Duration</dt>
          <dd>{trace.spans.length === 0 ? '–' : duration(totals.duration)}</dd>
        </div>
        <div>
          <dt>Began</dt>
          <dd title={moment(trace.start)}>{trace.spans.length === 0 ? '–' : ago(trace.start, seen)}</dd>
        </div>
        <div>
          <dt>Services</dt>
          <dd>{count(totals.services)}</dd>
        </div>
        <div>
          <dt>Segments</dt>
          <dd>
            {count(totals.segments)} <span>+ {count(totals.spans - totals.segments)} sub</span>
          </dd>
        </div>
        <div>
          <dt>Failed</dt>
          <dd>
            {worst && <Mark outcome={worst.outcome} />} {count(totals.failed)}
          </dd>
        </div>
        {critical.time > 0 && (
          <div className={css.wayBox}>
            <dt>Critical path</dt>
            <dd>
              <Way critical={critical} drawing={drawing} />
            </dd>
          </div>
        )}
      </dl>
    </div>
  )
}

/** Its id, and what can be done with all of it. */
function Identity({ trace, onCompare }: { trace: Trace; onCompare: () => void }) {
  return (
    <div className={css.identity}>
      <code title={`W3C: ${w3cId(trace.id)}`}>{trace.id}</code>
      <Copy text={trace.id} label="Copy the id" />
      <Button onPress={onCompare} icon={<Icon name="analytics" size={15} />}>
        Compare
      </Button>
      <IconButton
        label="Download as JSON"
        look="plain"
        icon={<Icon name="download" size={15} />}
        onPress={() =>
          save(
            `trace-${trace.id}.json`,
            JSON.stringify(
              trace.spans.filter((span) => span.segment === span).map((span) => span.document),
              null,
              2,
            ),
          )
        }
      />
    </div>
  )
}

/** Which services the critical path is made of. */
function Way({ critical, drawing }: { critical: CriticalPath; drawing: Drawing }) {
  const words = critical.services.map(({ service, time }) => `${nodeTitle(service)} ${percent(time / critical.time)}, ${duration(time)}`).join('; ')
  return (
    <span className={css.way} role="img" aria-label={words} title={words}>
      {critical.services.slice(0, 12).map(({ service, time }) => (
        <span key={service.key} className={colourOf(drawing.colours, service.key)} style={{ flexGrow: time / critical.time }}>
          {time / critical.time > 0.14 && <span>{nodeTitle(service)} {percent(time / critical.time)}</span>}
        </span>
      ))}
    </span>
  )
}

interface ViewChoice {
  label: string
  key: string
  note: string
  on: boolean
  turn: () => void
}

function ViewMenu({ choices, zoom }: { choices: readonly ViewChoice[]; zoom: Zoom | null }) {
  return (
    <Popover
      label="View"
      className={css.view}
      button={
        <Button>
          View
          <Icon name="down" size={13} />
        </Button>
      }
    >
      <div>
        {choices.map((choice) => (
          <label key={choice.key}>
            <input type="checkbox" checked={choice.on} onChange={choice.turn} />
            <span>
              {choice.label}
              <span className={css.viewNote}>{choice.note}</span>
            </span>
            <kbd>{choice.key}</kbd>
          </label>
        ))}
        {zoom && <Range zoom={zoom} />}
      </div>
    </Popover>
  )
}

/** From and to, to be typed. */
function Range({ zoom }: { zoom: Zoom }) {
  const { view, setView } = zoom
  return (
    <div className={css.range} role="group" aria-label="Time that is shown, in milliseconds">
      Time from
      {(['from', 'to'] as const).map((end) => (
        <Fragment key={end + view[end]}>
          {end === 'to' && 'to'}
          <input
            className={css.number}
            aria-label={end === 'from' ? 'From' : 'To'}
            inputMode="decimal"
            defaultValue={milliseconds(view[end])}
            onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
            onBlur={(event) => {
              const typed = Number(event.target.value) / 1000
              const next = { ...view, [end]: typed }
              if (event.target.value !== milliseconds(view[end]) && Number.isFinite(typed) && next.from < next.to) setView(next)
              else event.target.value = milliseconds(view[end])
            }}
          />
        </Fragment>
      ))}
      ms
    </div>
  )
}

/** What the trace lacks, and what cannot be. */
function Lacking({ trace, skews, failed, onSpan }: { trace: Trace; skews: ReturnType<typeof clockSkews>; failed: Error | null; onSpan: (span: Span) => void }) {
  const lacks = useMemo(() => lacksOf(trace), [trace])
  const losses = useQuery({ queryKey: ['losses', trace.id], queryFn: ({ signal }) => getLosses(signal), staleTime: 30_000, retry: false })
  const lost = losses.data?.Recent.filter((one) => one.Trace === trace.id) ?? []
  const lines = [
    failed && <>Reading it again failed: {failed.message}</>,
    lacks.limit && <>The trace reached the limit for one trace: documents that came later were refused, and it goes on where it ends here.</>,
    lacks.open > 0 && (
      <>
        {plural(lacks.open, 'segment or subsegment is', 'segments and subsegments are')} in progress: {lacks.open === 1 ? 'its end is' : 'their ends are'} not known, and {lacks.open === 1 ? 'it is' : 'they are'} drawn up to the end of what is. The map counts what has ended.
      </>
    ),
    lacks.rootless && <>The segment that the request came to first is not here. There is no response time and no critical path without it.</>,
    lacks.parentless.length > 0 && (
      <>
        {plural(lacks.parentless.length, 'segment names a caller that is', 'segments name callers that are')} not here: it was not sent, has not come yet, or was dropped by a keep rule before these came.{' '}
        <SpanLink span={lacks.parentless[0]!} onSpan={onSpan} />
      </>
    ),
    lacks.circles > 0 && <>{plural(lacks.circles, 'segment is its own ancestor', 'segments are their own ancestors')}: the circle is opened at the earliest.</>,
    lacks.backwards > 0 && <>{plural(lacks.backwards, 'segment or subsegment ends', 'segments and subsegments end')} before {lacks.backwards === 1 ? 'it begins' : 'they begin'}.</>,
    lacks.unreadable > 0 && <>{plural(lacks.unreadable, 'document')} could not be read and {lacks.unreadable === 1 ? 'is' : 'are'} left out.</>,
    lost.length > 0 && (
      <>
        {plural(lost.length, 'document')} of it {lost.length === 1 ? 'was' : 'were'} refused: {[...new Set(lost.map((one) => [one.Code || one.Reason, one.Detail].filter(Boolean).join(', ')))].slice(0, 3).join('; ')}.
      </>
    ),
    ...skews.slice(0, 3).map((skew) => (
      <>
        Clocks differ: {nodeTitle(skew.service)} is {skew.least > 0 ? 'behind' : 'ahead of'} {nodeTitle(skew.caller)} by {duration(Math.abs(skew.least))} at the least ({plural(skew.segments, 'segment')}). Times are drawn as they were sent. <SpanLink span={skew.span} onSpan={onSpan} />
      </>
    )),
    skews.length > 3 && <>And {plural(skews.length - 3, 'more pair')} of services whose clocks differ.</>,
  ].filter(Boolean)
  const [open, setOpen] = useState(false)
  useEffect(() => setOpen(false), [trace.id])
  if (lines.length === 0) return null
  const seen = open || lines.length <= 3 ? lines : lines.slice(0, 2)
  return (
    <div className={css.lacks} role="status">
      <Icon name="warning" size={15} />
      <ul>
        {seen.map((line, i) => (
          <li key={i}>{line}</li>
        ))}
        {seen.length < lines.length && (
          <li>
            <button type="button" className={`word-button ${css.underlined}`} onClick={() => setOpen(true)}>
              {count(lines.length - seen.length)} more
            </button>
          </li>
        )}
      </ul>
    </div>
  )
}

function SpanLink({ span, onSpan }: { span: Span; onSpan: (span: Span) => void }) {
  return (
    <button type="button" className={`word-button ${css.underlined}`} onClick={() => onSpan(span)}>
      Show {span.segment === span ? nodeTitle(span.service) : span.name}
    </button>
  )
}
