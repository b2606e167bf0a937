import { getRouteApi, Link, useRouter } from '@tanstack/react-router'
import { useCallback, useMemo, useRef } from 'react'
import type { Analysis, AnalysisSet } from '../../api/analysis'
import type { Window } from '../../api/xray'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { useScope } from '../../app/scope'
import { useAnalysis, type Counting } from '../../app/useAnalysis'
import type { EditorHandle } from '../../editor/FilterEditor'
import { brushOf, noBrush, printBrush, type Brush } from '../../model/brush'
import { timesBelow } from '../../model/filter'
import { count, duration, percent, plural } from '../../model/format'
import { countBetween, shareOf } from '../../model/histogram'
import { countedFigures } from '../../model/outcome'
import { clock, labelOf as rangeLabel, printSpan } from '../../model/time'
import { Button, IconButton } from '../../ui/Button'
import { Block } from '../../ui/Card'
import { TimesFields } from '../../ui/FromTo'
import { Icon } from '../../ui/Icon'
import { Segmented } from '../../ui/Segmented'
import { Select } from '../../ui/Select'
import { Empty, Failed, Loading, Notice } from '../../ui/State'
import { Histogram } from '../../ui/chart/Histogram'
import { OutcomeSeries } from '../../ui/chart/OutcomeSeries'
import { brushWords, Scatter } from '../../ui/chart/Scatter'
import { Differences } from './Differences'
import { Distributions } from './Distributions'
import { FiguresTable } from './Figures'
import { byOf, hiddenAttributes, hideOf, mostAttributes, needsSlowest, otherWindow, presetOf, presets, refine, searchOf, setsOf, shownAttributes, shifted, swap, valueText, type OtherTime, type SetName, type Sets, type Which } from './model'
import { OtherTimePicker } from './OtherTimePicker'
import { RefineButtons, RefiningProvider } from './Refine'
import type { AnalyticsSearch, PresetName } from './search'
import { SetCard } from './SetCard'
import css from './analytics.module.css'

const route = getRouteApi('/analytics')

/** How two sets of traces compare. */
export function AnalyticsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { window, group, setRange } = useScope()
  const without = search.click === 'without'
  const editors = { a: useRef<EditorHandle>(null), b: useRef<EditorHandle>(null) }
  const change = useCallback((next: AnalyticsSearch, replace = false) => void navigate({ search: (before) => ({ ...before, ...next }), replace }), [navigate])
  const setWithout = (wanted: boolean) => change({ click: wanted ? 'without' : undefined }, true)
  const brush = useMemo(() => brushOf({ at: search.at, took: search.took }), [search.at, search.took])

  // Some presets hang on how long the slowest traces took.
  const bySlowest = needsSlowest(search)
  const slowest = useAnalysis({ window, group }, bySlowest)
  const ready = !bySlowest || (slowest.data !== undefined && !slowest.stale)
  const known = !bySlowest || slowest.data !== undefined // perhaps as it was a moment ago
  const sets = useMemo(() => setsOf(search, slowest.data?.Sets[0]?.ResponseTime.P95 ?? null), [search, slowest.data])
  const other = useMemo(() => otherWindow(sets.time, window), [sets.time, window])
  const shown = useMemo(() => shownAttributes(search.by), [search.by])
  const hidden = useMemo(() => hiddenAttributes(search.hide), [search.hide])
  const measure = search.measure === 'duration' ? 'Duration' : 'ResponseTime'

  const compared = useAnalysis(
    {
      window,
      group,
      filter: sets.a,
      compare: sets.b,
      compareWindow: other,
      attributes: [...shown.slice(0, mostAttributes), 'annotations'],
      top: Number(search.top ?? 8),
      measure,
      buckets: 60,
      dots: 1200,
      differences: 200,
    },
    ready,
  )
  const analysis = compared.data
  const put = useCallback((next: Sets) => change(searchOf(next)), [change])
  const refining = useMemo(() => ({ without, refine: (which: Which, condition: string) => put(refine(sets, which, condition, without)) }), [sets, without, put])
  const choosePreset = (name: PresetName | 'own') => {
    if (name === 'own') put(sets)
    else change({ sets: name === 'trouble' ? undefined : name, a: undefined, b: undefined, before: undefined, bfrom: undefined, bto: undefined })
  }
  useShortcuts('Analytics', [
    { keys: '/', does: 'Edit the filter of A', run: () => editors.a.current?.focus() },
    { keys: 'b', does: 'Edit the filter of B', run: () => editors.b.current?.focus() },
    { keys: 'x', does: 'Exchange A and B', run: () => put(swap(sets)) },
    { keys: 'o', does: 'Narrow sets, or leave out', run: () => setWithout(!without) },
  ])

  const chosen = presetOf(search)
  const choices = [
    ...presets.map(({ name, label, note }) => ({ value: name as PresetName | 'own', label, note })),
    { value: 'own' as const, label: 'Sets of your own', note: 'as they are written below' },
  ]
  const [a, b] = analysis?.Sets ?? []
  const running = [slowest, compared].find((one) => one.running)
  const failed = slowest.error ?? compared.error
  const stopped = slowest.stopped || compared.stopped
  const again = () => {
    if (bySlowest) slowest.go()
    if (ready) compared.go()
  }
  const card = { ready: known, stale: compared.stale || running !== undefined }
  return (
    <Page title="Analytics" aside={running && <ProgressLine of={running} />} scoped>
      <RefiningProvider value={refining}>
        <div className={css.page}>
          <div className={css.toolbar}>
            <Select label="Compare" labelled value={chosen} choices={choices} onChange={choosePreset} />
            <Button icon={<Icon name="swap" />} onPress={() => put(swap(sets))}>
              Exchange
            </Button>
            <Segmented
              label="What a click on a value does"
              value={without ? 'without' : 'only'}
              choices={[
                { value: 'only', label: '+ Only this' },
                { value: 'without', label: '− Without this' },
              ]}
              onChange={(value) => setWithout(value === 'without')}
            />
          </div>
          <div className={css.sets}>
            <SetCard name="a" expression={known ? sets.a : ''} window={window} otherTime={false} set={a ?? null} onChange={(text) => put({ ...sets, a: text })} handle={editors.a} {...card} />
            <SetCard
              name="b"
              expression={known ? sets.b : ''}
              window={other ?? window}
              otherTime={other !== undefined}
              set={b ?? null}
              onChange={(text) => put({ ...sets, b: text })}
              handle={editors.b}
              {...card}
              time={<OtherTimePicker time={sets.time} window={window} onChange={(time: OtherTime) => put({ ...sets, time })} />}
            />
          </div>
          {failed && !running ? (
            <Failed what="The analysis failed" error={failed} retry={again} />
          ) : stopped && !running ? (
            <Empty
              icon="stop"
              title="Stopped"
              actions={
                <Button look="main" icon={<Icon name="play" />} onPress={again}>
                  Go on
                </Button>
              }
            >
              A shorter time, or fewer attributes of root causes, are answered sooner.
            </Empty>
          ) : !analysis || !a || !b ? (
            <Loading what="Comparing" />
          ) : (
            <div className={`${css.results} ${compared.stale ? 'stale' : ''}`} aria-busy={running !== undefined}>
              {a.WindowCount + b.WindowCount === 0 ? (
                <NoTraces />
              ) : (
                <Comparison
                  analysis={analysis}
                  a={a}
                  b={b}
                  sets={sets}
                  window={window}
                  other={other}
                  measure={measure}
                  onMeasure={(value) => change({ measure: value === 'Duration' ? 'duration' : undefined })}
                  onZoom={({ start, end }) => setRange({ kind: 'between', start, end })}
                  brush={brush}
                  onBrush={(next) => change(printBrush(next), true)}
                  hidden={hidden}
                  onHide={(next) => change({ hide: hideOf(next) })}
                >
                  <Distributions
                    attributes={analysis.Attributes.filter((one) => one.Name !== 'annotations' || shown.includes('annotations'))}
                    shown={shown}
                    keys={(analysis.Attributes.find((one) => one.Name === 'annotations')?.Values ?? []).map((value) => valueText(value.Value))}
                    top={search.top ?? ''}
                    onShow={(names) => change({ by: byOf(names) })}
                    onTop={(top) => change({ top: top === '' ? undefined : top })}
                  />
                </Comparison>
              )}
            </div>
          )}
        </div>
      </RefiningProvider>
    </Page>
  )
}

interface ComparisonProps {
  analysis: Analysis
  a: AnalysisSet
  b: AnalysisSet
  sets: Sets
  window: Window
  other: Window | undefined
  measure: 'ResponseTime' | 'Duration'
  onMeasure: (measure: 'ResponseTime' | 'Duration') => void
  onZoom: (window: Window) => void
  /** What is selected in the charts; a time is one of A. */
  brush: Brush
  onBrush: (brush: Brush) => void
  hidden: ReadonlySet<string>
  onHide: (hidden: ReadonlySet<string>) => void
  children: React.ReactNode
}

function Comparison({ analysis, a, b, sets, window, other, measure, onMeasure, onZoom, brush, onBrush, hidden, onHide, children }: ComparisonProps) {
  const router = useRouter()
  const name = measure === 'Duration' ? 'Duration' : 'Response time'
  const width = analysis.BucketWidth ?? 60
  const empty = [a.TotalCount === 0 ? 'A' : '', b.TotalCount === 0 ? 'B' : ''].filter(Boolean).join(' and ')
  const seconds = [...a.Dots, ...b.Dots].map((dot) => dot.Seconds)
  const span = { low: Math.min(...seconds), high: Math.max(...seconds) }
  const series = (set: AnalysisSet) => set.Series.map((bucket) => ({ start: bucket.Time, figures: countedFigures(bucket) }))
  // Another time of B moves along with that of A, unless it is one of its own.
  const earlier = sets.time.kind === 'between' ? null : window.start - (other ?? window).start
  const choice = <Choice brush={brush} a={a} b={b} measure={measure} onZoom={onZoom} onBrush={onBrush} />
  const scatter = (letter: SetName, set: AnalysisSet, of: Window, behind: number | null) => (
    <div className={css.scatter}>
      <h3 className={letter === 'a' ? css.textA : css.textB}>{letter.toUpperCase()}</h3>
      <Scatter
        label={`${name} of ${letter.toUpperCase()} over time`}
        window={of}
        dots={set.Dots}
        total={set.TotalCount}
        span={span}
        brush={{ at: brush.at && behind !== null ? shifted(brush.at, -behind) : null, took: brush.took }}
        onBrush={({ at, took }) => onBrush({ at: at && behind !== null ? shifted(at, behind) : null, took })}
        onOpen={(id) => router.history.push(`/traces/${id}`)}
        height={220}
      />
      <Slowest set={set} />
    </div>
  )
  return (
    <>
      {empty !== '' && <Notice look="warning">No trace matches {empty} in this time: there is nothing to compare with.</Notice>}
      {analysis.BothCount > 0 && (
        <Notice>
          {plural(analysis.BothCount, 'trace is', 'traces are')} in both sets, {percent(shareOf(analysis.BothCount, a.TotalCount))} of A and {percent(shareOf(analysis.BothCount, b.TotalCount))} of B.
        </Notice>
      )}
      <div className={css.overview}>
        <Block title="Figures">
          <FiguresTable a={a} b={b} measure={measure} />
        </Block>
        <Block
          title={name}
          aside={
            <Segmented
              label="Time"
              value={measure}
              choices={[
                { value: 'ResponseTime', label: 'Response' },
                { value: 'Duration', label: 'Duration' },
              ]}
              onChange={onMeasure}
            />
          }
        >
          <Histogram
            label={`${name} of both sets`}
            things="traces"
            sets={[
              { name: 'A', entries: a[measure].Histogram, percentiles: [0.95] },
              { name: 'B', entries: b[measure].Histogram, percentiles: [0.95] },
            ]}
            selection={brush.took}
            onSelect={(took) => onBrush({ ...brush, took })}
            height={236}
          />
          <TimesFields label={name} value={brush.took} onChange={(took) => onBrush({ ...brush, took })} />
          {brush.took && choice}
        </Block>
        <Block title="Traces over time" aside={`each bar ${printSpan(width)}`}>
          <h3 className={css.textA}>A</h3>
          <OutcomeSeries label="Traces of A over time" things="trace" window={window} step={width} buckets={series(a)} onSelect={onZoom} height={112} />
          <h3 className={css.textB}>
            B{' '}
            {other && (
              <span className="note">
                {clock(other.start, other.end)} – {clock(other.end, other.start)}
              </span>
            )}
          </h3>
          <OutcomeSeries label="Traces of B over time" things="trace" window={other ?? window} step={width} buckets={series(b)} {...(earlier === null ? {} : { onSelect: (part: Window) => onZoom(shifted(part, earlier)) })} height={112} />
        </Block>
      </div>
      <Differences analysis={analysis} hidden={hidden} onHide={onHide} />
      {children}
      {seconds.length > 0 && (
        <Block title={`${name} of each trace`} aside={a.AllDots && b.AllDots ? 'Each dot is a trace.' : 'A dot is the slowest of some traces near each other; no failure and no outlier is left out.'}>
          {(brush.at ?? brush.took) && choice}
          <div className={css.grid2}>
            {scatter('a', a, window, 0)}
            {scatter('b', b, other ?? window, earlier)}
          </div>
        </Block>
      )}
    </>
  )
}

/** What is selected in the charts, how much of each set that is, and what can be done with it. */
function Choice({ brush, a, b, measure, onZoom, onBrush }: Pick<ComparisonProps, 'brush' | 'a' | 'b' | 'measure' | 'onZoom' | 'onBrush'>) {
  const { at, took } = brush
  const part = (set: AnalysisSet) => took && percent(shareOf(countBetween(set[measure].Histogram, took.low, took.high), set[measure].Count))
  return (
    <div className={css.choice} role="group" aria-label="Selection">
      <span>
        {brushWords(brush)}
        {took && `: ${at ? 'of all times ' : ''}A ${part(a)}, B ${part(b)}`}
      </span>
      <span className={css.controls}>
        {at && <Button onPress={() => onZoom(at)}>Zoom into this time</Button>}
        {took && <RefineButtons condition={timesBelow(measure === 'Duration' ? 'duration' : 'responsetime', took)} of={`${duration(took.low)} to ${duration(took.high)}`} />}
        <IconButton label="Select nothing" icon={<Icon name="close" size={14} />} onPress={() => onBrush(noBrush)} />
      </span>
    </div>
  )
}

/** Links to the slowest traces of a set. */
function Slowest({ set }: { set: AnalysisSet }) {
  if (set.Dots.length === 0) return null
  const slowest = [...set.Dots].sort((a, b) => b.Seconds - a.Seconds).slice(0, 3)
  return (
    <p className={css.slowest}>
      The slowest:{' '}
      {slowest.map((dot) => (
        <Link key={dot.Id} to="/traces/$trace" params={{ trace: dot.Id }} title={dot.Id}>
          {duration(dot.Seconds)}
        </Link>
      ))}
    </p>
  )
}

function NoTraces() {
  const { group, range, setRange, setGroup } = useScope()
  return (
    <Empty
      icon="analytics"
      title={group ? `No traces of the group ${group} in this time` : 'No traces in this time'}
      actions={
        <>
          <Button look="main" onPress={() => setRange({ kind: 'last', seconds: 86_400 })}>
            Last day
          </Button>
          {group && <Button onPress={() => setGroup(undefined)}>All traces</Button>}
        </>
      }
    >
      Looked at: {rangeLabel(range).toLowerCase()}. Analytics hold two sets of traces beside each other: what is slow or failed and the rest, this hour and the one before, one version and the next.
    </Empty>
  )
}

/** How far an analysis is, and a way to end it. It shows itself only if it takes a while. */
function ProgressLine({ of: { progress, done, stop } }: { of: Counting }) {
  return (
    <span className={css.progress} role="status">
      <progress value={done ?? 0} max={1} aria-label="Progress of the analysis" />
      <span>
        {!progress || progress.Total === 0 ? 'Comparing…' : `${count(progress.Looked)} of ${plural(progress.Total, 'trace')} looked at${progress.ToRead > 0 ? `, ${count(progress.Read)} of ${count(progress.ToRead)} read whole` : ''}`}
      </span>
      <Button look="quiet" icon={<Icon name="stop" size={14} />} onPress={stop}>
        Stop
      </Button>
    </span>
  )
}
