import { useQuery, useQueryClient } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useCallback, useMemo, useRef, useState } from 'react'
import { analyse, type Analysis, type AnalysisProgress, type AnalysisQuestion, type AnalysisSet } from '../../api/analysis'
import type { Window } from '../../api/xray'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { useScope } from '../../app/scope'
import type { EditorHandle } from '../../editor/FilterEditor'
import { number } from '../../model/filter'
import { count, duration, percent, plural } from '../../model/format'
import { countBetween } from '../../model/histogram'
import { clock, labelOf as rangeLabel, printSpan } from '../../model/time'
import { Button, IconButton } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { Segmented } from '../../ui/Segmented'
import { Select } from '../../ui/Select'
import { Empty, Failed, Loading, Notice } from '../../ui/State'
import type { TimeSelection } from '../../ui/chart/Histogram'
import { OutcomeSeries } from '../../ui/chart/OutcomeSeries'
import { Differences } from './Differences'
import { Distributions } from './Distributions'
import { FiguresTable } from './Figures'
import { byOf, countsFigures, hiddenAttributes, hideOf, mostAttributes, needsSlowest, otherWindow, presetOf, presets, refine, searchOf, setsOf, shareOf, shownAttributes, swap, valueText, type OtherTime, type Sets, type Which } from './model'
import { OtherTimePicker } from './OtherTimePicker'
import { PairedHistogram } from './PairedHistogram'
import { RefineButtons, RefiningProvider } from './Refine'
import { Scatter } from './Scatter'
import type { AnalyticsSearch, PresetName } from './search'
import { SetCard } from './SetCard'
import css from './analytics.module.css'

const route = getRouteApi('/analytics')

/** How two sets of traces compare. */
export function AnalyticsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { window, group, setRange } = useScope()
  const [without, setWithout] = useState(false)
  const editors = { a: useRef<EditorHandle>(null), b: useRef<EditorHandle>(null) }
  const change = useCallback((next: AnalyticsSearch) => void navigate({ search: (before) => ({ ...before, ...next }) }), [navigate])

  // Some presets hang on how long the slowest traces took.
  const bySlowest = needsSlowest(search)
  const slowest = useAnalysis({ window, group }, bySlowest)
  const ready = !bySlowest || (slowest.answer !== null && !slowest.stale)
  const known = !bySlowest || slowest.answer !== null // perhaps as it was a moment ago
  const sets = useMemo(() => setsOf(search, slowest.answer?.Sets[0]?.ResponseTime.P95 ?? null), [search, slowest.answer])
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
  const analysis = compared.answer
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
  const running = slowest.running ?? compared.running
  const failed = slowest.error ?? compared.error
  const stopped = slowest.stopped || compared.stopped
  const again = () => {
    slowest.ask()
    compared.ask()
  }
  const card = { ready: known, stale: compared.stale || running !== null }
  return (
    <Page title="Analytics" aside={<ProgressLine running={running} cancel={compared.running ? compared.cancel : slowest.cancel} />} scoped>
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
            <div className={compared.stale ? css.stale : undefined} aria-busy={running !== null}>
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
  hidden: ReadonlySet<string>
  onHide: (hidden: ReadonlySet<string>) => void
  children: React.ReactNode
}

function Comparison({ analysis, a, b, sets, window, other, measure, onMeasure, onZoom, hidden, onHide, children }: ComparisonProps) {
  const [times, setTimes] = useState<TimeSelection | null>(null)
  const keyword = measure === 'Duration' ? 'duration' : 'responsetime'
  const measureName = measure === 'Duration' ? 'Duration' : 'Response time'
  const width = analysis.BucketWidth ?? 60
  const empty = [a.TotalCount === 0 ? 'A' : '', b.TotalCount === 0 ? 'B' : ''].filter(Boolean).join(' and ')
  const all = [...a.Dots, ...b.Dots].map((dot) => dot.Seconds)
  const series = (set: AnalysisSet) => set.Series.map((bucket) => ({ start: bucket.Time, figures: countsFigures(bucket) }))
  const condition = times && `${keyword} >= ${number(times.low)} AND ${keyword} < ${number(times.high)}`
  // Another time of B moves along with that of A, unless it is one of its own.
  const zoomB = (part: Window) => {
    const by = other && sets.time.kind === 'earlier' ? window.start - other.start : 0
    onZoom({ start: part.start + by, end: part.end + by })
  }
  return (
    <>
      {empty !== '' && <Notice look="warning">No trace matches {empty} in this time: there is nothing to compare with.</Notice>}
      {analysis.BothCount > 0 && (
        <Notice>
          {plural(analysis.BothCount, 'trace is', 'traces are')} in both sets, {percent(shareOf(analysis.BothCount, a.TotalCount))} of A and {percent(shareOf(analysis.BothCount, b.TotalCount))} of B.
        </Notice>
      )}
      <div className={css.overview}>
        <section className={css.block} aria-label="Figures">
          <header className={css.blockHead}>
            <h2>Figures</h2>
          </header>
          <FiguresTable a={a} b={b} measure={measure} />
        </section>
        <section className={css.block} aria-label={measureName}>
          <header className={css.blockHead}>
            <h2>{measureName}</h2>
            <Segmented
              label="Time"
              value={measure}
              choices={[
                { value: 'ResponseTime', label: 'Response' },
                { value: 'Duration', label: 'Duration' },
              ]}
              onChange={onMeasure}
            />
          </header>
          <PairedHistogram label={`${measureName} of both sets`} a={a[measure]} b={b[measure]} selection={times} onSelect={setTimes} />
          <TimeChoice value={times} onChange={setTimes} />
          {times && condition && (
            <p className={css.choice}>
              <span>
                {duration(times.low)} – {duration(times.high)}: A {percent(shareOf(countBetween(a[measure].Histogram, times.low, times.high), a[measure].Count))}, B {percent(shareOf(countBetween(b[measure].Histogram, times.low, times.high), b[measure].Count))}
              </span>
              <RefineButtons condition={condition} of={`${duration(times.low)} to ${duration(times.high)}`} />
            </p>
          )}
        </section>
        <section className={css.block} aria-label="Traces over time">
          <header className={css.blockHead}>
            <h2>Traces over time</h2>
            <span className={css.note}>each bar {printSpan(width)}</span>
          </header>
          <h3 className={css.textA}>A</h3>
          <OutcomeSeries label="Traces of A over time" things="trace" window={window} step={width} buckets={series(a)} onSelect={onZoom} height={112} />
          <h3 className={css.textB}>
            B{' '}
            {other && (
              <span className={css.note}>
                {clock(other.start, other.end)} – {clock(other.end, other.start)}
              </span>
            )}
          </h3>
          <OutcomeSeries label="Traces of B over time" things="trace" window={other ?? window} step={width} buckets={series(b)} {...(sets.time.kind === 'between' ? {} : { onSelect: zoomB })} height={112} />
        </section>
      </div>
      <Differences analysis={analysis} hidden={hidden} onHide={onHide} />
      {children}
      {all.length > 0 && (
        <section className={css.block} aria-label={`${measureName} of each trace`}>
          <header className={css.blockHead}>
            <h2>{measureName} of each trace</h2>
            <span className={css.note}>A dot leads to its trace.</span>
          </header>
          <div className={css.grid2}>
            <Scatter name="a" set={a} window={window} low={Math.min(...all)} high={Math.max(...all)} measure={measureName} />
            <Scatter name="b" set={b} window={other ?? window} low={Math.min(...all)} high={Math.max(...all)} measure={measureName} />
          </div>
        </section>
      )}
    </>
  )
}

/** The range of times as numbers: exact, and for who has no pointer. */
function TimeChoice({ value, onChange }: { value: TimeSelection | null; onChange: (value: TimeSelection | null) => void }) {
  const [draft, setDraft] = useState<{ of: TimeSelection | null; low: string; high: string }>({ of: null, low: '', high: '' })
  const text = (seconds: number) => String(Number((seconds * 1000).toFixed(3)))
  const shown = draft.of === value ? draft : { of: value, low: value ? text(value.low) : '', high: value ? text(value.high) : '' }
  const change = (low: string, high: string) => {
    const [from, to] = [Number(low) / 1000, Number(high) / 1000]
    const next = high !== '' && from >= 0 && to > from ? { low: from, high: to } : null
    setDraft({ of: next, low, high })
    onChange(next)
  }
  return (
    <div className={css.fields}>
      <label>
        from <input type="number" min={0} step="any" value={shown.low} onChange={(event) => change(event.target.value, shown.high)} /> ms
      </label>
      <label>
        to <input type="number" min={0} step="any" value={shown.high} onChange={(event) => change(shown.low, event.target.value)} /> ms
      </label>
      {value && <IconButton label="Choose no range" icon={<Icon name="close" size={14} />} onPress={() => onChange(null)} />}
    </div>
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
function ProgressLine({ running, cancel }: { running: AnalysisProgress | null; cancel: () => void }) {
  if (!running) return null
  const { Looked, Total, Read, ToRead } = running
  const share = Total + ToRead > 0 ? (Looked + Read) / (Total + ToRead) : 0
  return (
    <span className={css.progress} role="status">
      <progress value={share} max={1} aria-label="Progress of the analysis" />
      <span>
        {Total === 0 ? 'Comparing…' : `${count(Looked)} of ${plural(Total, 'trace')} looked at${ToRead > 0 ? `, ${count(Read)} of ${count(ToRead)} read whole` : ''}`}
      </span>
      <Button look="quiet" icon={<Icon name="stop" size={14} />} onPress={cancel}>
        Stop
      </Button>
    </span>
  )
}

interface Asked {
  answer: Analysis | null
  /** The answer is to an earlier question. */
  stale: boolean
  error: Error | null
  /** null: nothing runs. */
  running: AnalysisProgress | null
  stopped: boolean
  cancel: () => void
  ask: () => void
}

const noProgress: AnalysisProgress = { Looked: 0, Read: 0, ToRead: 0, Total: 0 }

/** useAnalysis asks a question, once there is reason to. */
function useAnalysis(question: AnalysisQuestion, enabled: boolean): Asked {
  const client = useQueryClient()
  const [progress, setProgress] = useState(noProgress)
  const queryKey = ['analysis', question]
  const answer = useQuery({
    queryKey,
    queryFn: ({ signal }) => {
      setProgress(noProgress)
      return analyse(question, signal, setProgress)
    },
    enabled,
  })
  const running = enabled && answer.fetchStatus === 'fetching'
  return {
    answer: answer.data ?? null,
    stale: answer.isPlaceholderData,
    error: enabled ? answer.error : null,
    running: running ? progress : null,
    stopped: enabled && answer.fetchStatus === 'idle' && !answer.isError && (answer.isPlaceholderData || answer.data === undefined),
    cancel: () => void client.cancelQueries({ queryKey }),
    ask: () => void (enabled && answer.refetch()),
  }
}
