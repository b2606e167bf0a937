import { useVirtualizer } from '@tanstack/react-virtual'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from 'react'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { count, duration, plural } from '../../model/format'
import { kindOf, shortType, titleOf as nodeTitle } from '../../model/graph'
import { moment } from '../../model/time'
import { parseTraceId } from '../../model/traceId'
import { Button } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { NodeIcon } from '../../ui/NodeIcon'
import { Mark, OutcomeBadge } from '../../ui/Outcomes'
import { Empty, Failed, Loading } from '../../ui/State'
import { Table, type Column } from '../../ui/Table'
import { Tabs } from '../../ui/Tabs'
import { CompareDialog } from './CompareDialog'
import { align, byEffect, pathOf, totalsOf, type Pair, type Side, type Totals } from './model/compare'
import { traceTitle } from './model/facts'
import { coloursOf } from './model/looks'
import { keyOf } from './model/rows'
import { standIn, type Span, type Trace } from './model/tree'
import { useTrace } from './useTrace'
import { colourOf } from './Waterfall'
import css from './compare.module.css'
import look from './trace.module.css'

const route = getRouteApi('/traces/$trace')

/** Two traces, one against the other. The one of the path is A. */
export function Comparison({ a, title, other }: { a: Trace; title: string; other: string }) {
  const named = parseTraceId(other)
  const query = useTrace(named?.trace ?? null)
  const { answer, trace: b } = query
  const navigate = route.useNavigate()
  const [choosing, setChoosing] = useState(false)
  const leave = () => void navigate({ search: (before) => ({ ...(before.span ? { span: before.span } : {}) }) })
  useShortcuts('Comparison', [
    { keys: 'v', does: 'Compare with another trace', run: () => setChoosing(true) },
    { keys: 'w', does: 'The other way round', run: () => b && void navigate({ to: '/traces/$trace', params: { trace: b.id }, search: { compare: a.id } }) },
    { keys: 'Escape', does: 'Back to the trace', run: leave },
  ])
  return (
    <Page
      title="Compare two traces"
      fills
      tools={
        <>
          <Button onPress={leave} icon={<Icon name="left" size={14} />}>
            {title}
          </Button>
          <Button onPress={() => setChoosing(true)}>Another trace</Button>
          {b && (
            <Button onPress={() => void navigate({ to: '/traces/$trace', params: { trace: b.id }, search: { compare: a.id } })} icon={<Icon name="refresh" size={14} />}>
              The other way round
            </Button>
          )}
        </>
      }
    >
      {!named ? (
        <Empty icon="warning" title="There is nothing to compare with">
          <code>{other.slice(0, 120)}</code> is no id of a trace.
        </Empty>
      ) : answer.isError && !b ? (
        <Failed what="The other trace is not there" error={answer.error} retry={() => void answer.refetch()} />
      ) : answer.data === undefined ? (
        <Loading what="Asking for the other trace" />
      ) : !b ? (
        <Empty title="There is no such trace to compare with" actions={<Button onPress={query.lookAgain}>Look again</Button>}>
          <p>
            <code>{named.trace}</code> is not known, or not yet.
          </p>
        </Empty>
      ) : (
        <Aligned a={a} b={b} />
      )}
      {choosing && <CompareDialog trace={a} onClose={() => setChoosing(false)} />}
    </Page>
  )
}

const rowHeight = 28

/** So many bars are drawn in one row of one side. */
const mostBars = 60

function Aligned({ a, b }: { a: Trace; b: Trace }) {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const aligned = useMemo(() => align(a, b), [a, b])
  const differing = useMemo(() => byEffect(aligned), [aligned])
  const totals = useMemo(() => ({ a: totalsOf(a), b: totalsOf(b) }), [a, b])
  const colours = useMemo(() => coloursOf(a.services.length >= b.services.length ? a : b), [a, b])
  const seen = useMemo(() => (search.same === 'off' ? withParents(aligned) : aligned), [aligned, search.same])
  const [chosen, setChosen] = useState<Pair | null>(() => aligned.find((pair) => [...(pair.a?.spans ?? []), ...(pair.b?.spans ?? [])].some((span) => keyOf(span) === search.span)) ?? null)
  const choose = (pair: Pair) => {
    setChosen(pair)
    const span = pair.a?.spans[0] ?? pair.b?.spans[0]
    void navigate({ search: (before) => ({ ...before, span: span && keyOf(span) }), replace: true })
  }
  const longest = Math.max(a.end - a.start, b.end - b.start) || 0.001
  const most = differing.reduce((most, pair) => Math.max(most, Math.abs(pair.effect)), 0)

  const columns: Column<Pair>[] = [
    {
      id: 'place',
      head: 'Place',
      names: true,
      sort: (pair) => pair.index,
      cell: (pair) => (
        <button type="button" className={css.place} onClick={() => choose(pair)}>
          <strong>{pair.subsegment ? pair.name : nodeTitle({ name: pair.name })}</strong>
          <span>{pair.callee && pair.callee.name !== pair.name && <b>{nodeTitle(pair.callee)} · </b>}{pathOf(pair).slice(0, -1).slice(-4).map((name) => nodeTitle({ name })).join(' › ')}</span>
        </button>
      ),
    },
    { id: 'difference', head: 'Difference', sort: (pair) => pair.difference, cell: (pair) => <Difference pair={pair} /> },
    { id: 'effect', head: 'Effect', figures: true, sort: (pair) => Math.abs(pair.effect), cell: (pair) => <Effect effect={pair.effect} most={most} /> },
    { id: 'ownA', head: 'Own in A', figures: true, sort: (pair) => pair.a?.own ?? -1, cell: (pair) => duration(pair.a?.own) },
    { id: 'ownB', head: 'Own in B', figures: true, sort: (pair) => pair.b?.own ?? -1, cell: (pair) => duration(pair.b?.own) },
    { id: 'totalA', head: 'Total in A', figures: true, sort: (pair) => pair.a?.total ?? -1, cell: (pair) => duration(pair.a?.total) },
    { id: 'totalB', head: 'Total in B', figures: true, sort: (pair) => pair.b?.total ?? -1, cell: (pair) => duration(pair.b?.total) },
    { id: 'count', head: 'Count', figures: true, sort: (pair) => (pair.b?.spans.length ?? 0) - (pair.a?.spans.length ?? 0), cell: (pair) => (pair.a?.spans.length === pair.b?.spans.length ? count(pair.a?.spans.length ?? 0) : `${count(pair.a?.spans.length ?? 0)} → ${count(pair.b?.spans.length ?? 0)}`) },
  ]
  return (
    <div className={css.page}>
      <div className={css.sides}>
        <TotalsOf letter="A" trace={a} totals={totals.a} />
        <TotalsOf letter="B" trace={b} totals={totals.b} against={totals.a} />
      </div>
      <div className={css.tabs}>
        <Tabs
          label="Comparison"
          selected={search.tab === 'table' ? 'table' : 'rows'}
          onSelect={(tab) => void navigate({ search: (before) => ({ ...before, tab: tab === 'table' ? 'table' : undefined }), replace: true })}
          tabs={[
            {
              id: 'rows',
              label: 'Side by side',
              content: (
                <>
                  <p className={css.hint}>
                    Aligned by the names from the root down; several calls of one name from one place are taken together.
                    <label className={look.check}>
                      <input type="checkbox" checked={search.same === 'off'} onChange={(event) => void navigate({ search: (before) => ({ ...before, same: event.target.checked ? 'off' : undefined }), replace: true })} /> Only what differs
                    </label>
                  </p>
                  {seen.length === 0 ? <Empty icon="ok" title="Nothing differs">By more than a millisecond and a tenth of its time.</Empty> : <Rows pairs={seen} a={a} b={b} longest={longest} colours={colours} chosen={chosen} onChoose={choose} />}
                </>
              ),
            },
            {
              id: 'table',
              label: `Differences ${count(differing.length)}`,
              content: (
                <div className={css.table}>
                  <Table label="Differences" columns={columns} rows={differing} rowKey={(pair) => String(pair.index)} sorted={{ column: 'effect', down: true }} selected={chosen ? String(chosen.index) : undefined} />
                  <p className={css.hint}>
                    The effect is by how much the own time of a place differs: what it called is counted where it ran. All effects add up to {signed(totals.b.work - totals.a.work)} of work; the response differs by{' '}
                    {totals.a.response === null || totals.b.response === null ? 'an unknown time' : signed(totals.b.response - totals.a.response)}, as things may run at the same time. Left out are {plural(aligned.length - differing.length, 'place')} that differ by less than a millisecond or a tenth.
                  </p>
                </div>
              ),
            },
          ]}
        />
      </div>
    </div>
  )
}

/** withParents leaves out what is the same, unless something below it is not. */
function withParents(aligned: readonly Pair[]): Pair[] {
  const kept = new Set<Pair>()
  for (const pair of aligned) {
    if (pair.difference === 'same') continue
    for (let at: Pair | null = pair; at && !kept.has(at); at = at.parent) kept.add(at)
  }
  return aligned.filter((pair) => kept.has(pair))
}

function signed(seconds: number): string {
  return `${seconds > 0 ? '+' : seconds < 0 ? '−' : '±'}${duration(Math.abs(seconds))}`
}

function TotalsOf({ letter, trace, totals, against }: { letter: 'A' | 'B'; trace: Trace; totals: Totals; against?: Totals }) {
  const change = (now: number | null, before: number | null | undefined, write: (n: number) => string) => {
    if (!against || now === null || before === null || before === undefined || now === before) return null
    return <span className={now > before ? css.more : css.less}>{write(now - before)}</span>
  }
  const number = (n: number) => `${n > 0 ? '+' : '−'}${count(Math.abs(n))}`
  const figures: [string, ReactNode, ReactNode][] = [
    ['Response', duration(totals.response), change(totals.response, against?.response, signed)],
    ['Duration', duration(totals.duration), change(totals.duration, against?.duration, signed)],
    ['Work', duration(totals.work), change(totals.work, against?.work, signed)],
    ['Services', count(totals.services), change(totals.services, against?.services, number)],
    ['Segments', count(totals.segments), change(totals.segments, against?.segments, number)],
    ['With subsegments', count(totals.spans), change(totals.spans, against?.spans, number)],
    ['Failed', count(totals.failed), change(totals.failed, against?.failed, number)],
  ]
  return (
    <section className={css.side} aria-label={`Trace ${letter}`}>
      <header>
        <span className={`${css.letter} ${css[`letter${letter}`]}`}>{letter}</span>
        <h2>{traceTitle(trace)}</h2>
        {trace.root && <OutcomeBadge outcome={trace.root.outcome} text={trace.root.status === null ? trace.root.outcome : `${trace.root.outcome} ${trace.root.status}`} />}
        <span className={css.quiet}>{moment(trace.start)}</span>
        <Link to="/traces/$trace" params={{ trace: trace.id }}>
          <code>{trace.id}</code>
        </Link>
      </header>
      <dl>
        {figures.map(([name, value, changed]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {value} {changed}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

function Difference({ pair }: { pair: Pair }) {
  const words = { longer: 'longer', shorter: 'shorter', same: 'as long', missing: 'only in A', new: 'only in B' }
  return <span className={`${css.difference} ${css[pair.difference]}`}>{words[pair.difference]}</span>
}

function Effect({ effect, most }: { effect: number; most: number }) {
  const share = most > 0 ? Math.abs(effect) / most : 0
  return (
    <span className={css.effect}>
      <span className={`${css.effectBar} ${effect > 0 ? css.moreBar : css.lessBar}`} style={{ width: `${Math.max(2, share * 100)}%` }} />
      <span className={effect > 0 ? css.more : css.less}>{signed(effect)}</span>
    </span>
  )
}

interface RowsProps {
  pairs: readonly Pair[]
  a: Trace
  b: Trace
  longest: number
  colours: ReadonlyMap<string, number>
  chosen: Pair | null
  onChoose: (pair: Pair) => void
}

function Rows({ pairs, a, b, longest, colours, chosen, onChoose }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count: pairs.length, getScrollElement: () => scroller.current, estimateSize: () => rowHeight, overscan: 10 })
  const at = chosen ? pairs.indexOf(chosen) : -1
  const { scrollToIndex } = virtual
  useEffect(() => {
    if (at >= 0) scrollToIndex(at, { align: 'auto' })
  }, [at, scrollToIndex])
  const walk = (event: KeyboardEvent) => {
    const step = ({ ArrowDown: 1, ArrowUp: -1, PageDown: 15, PageUp: -15, Home: -Infinity, End: Infinity } as Record<string, number>)[event.key]
    if (step === undefined) return
    event.preventDefault()
    const next = pairs[Math.min(pairs.length - 1, Math.max(0, at + step))]
    if (next) onChoose(next)
  }
  const items = virtual.getVirtualItems()
  return (
    <div className={css.rowsBox}>
      <div className={css.rowHead} aria-hidden="true">
        <span>Place</span>
        <span>
          <span className={`${css.letter} ${css.letterA}`}>A</span> {duration(a.end - a.start)}
        </span>
        <span>
          <span className={`${css.letter} ${css.letterB}`}>B</span> {duration(b.end - b.start)}
        </span>
        <span className={css.right}>Difference</span>
      </div>
      <div ref={scroller} className={css.rows} role="tree" tabIndex={0} aria-label="Both traces, aligned" aria-activedescendant={items.some((item) => item.index === at) ? `pair-${at}` : undefined} onKeyDown={walk}>
        <div role="presentation" style={{ height: virtual.getTotalSize(), position: 'relative' }}>
          {items.map((item) => {
            const pair = pairs[item.index]!
            const failed = [...(pair.a?.spans ?? []), ...(pair.b?.spans ?? [])].find((span) => span.outcome !== 'ok')
            return (
              <div
                key={pair.index}
                id={`pair-${item.index}`}
                role="treeitem"
                aria-level={pair.depth + 1}
                aria-selected={item.index === at}
                className={`${css.row} ${css[`row-${pair.difference}`] ?? ''} ${item.index === at ? css.chosen : ''} ${colourOf(colours, pair.service.key)}`}
                style={{ transform: `translateY(${item.start}px)` }}
                onClick={() => onChoose(pair)}
              >
                <span className="hidden-visually">{`${pair.name}, ${sideWords('A', pair.a)}, ${sideWords('B', pair.b)}, ${pair.difference === 'missing' ? 'only in A' : pair.difference === 'new' ? 'only in B' : pair.difference}`}</span>
                <span className={css.name} aria-hidden="true" style={{ paddingLeft: 12 + Math.min(pair.depth, 14) * 13 }}>
                  {pair.subsegment ? <span className={look.stripe} /> : <span className={look.service}><NodeIcon kind={kindOf(pair.service.type)} size={15} /></span>}
                  {failed && <Mark outcome={failed.outcome} />}
                  <span className={pair.subsegment ? css.word : `${css.word} ${css.strong}`}>{pair.subsegment ? pair.name : nodeTitle({ name: pair.name })}</span>
                  <span className={css.note}>{pair.subsegment ? pair.callee && pair.callee.name !== pair.name && nodeTitle(pair.callee) : shortType(pair.service.type)}</span>
                </span>
                <Bars side={pair.a} trace={a} longest={longest} />
                <Bars side={pair.b} trace={b} longest={longest} />
                <span className={css.delta} aria-hidden="true">
                  <Difference pair={pair} />
                  {pair.difference !== 'same' && <span className={(pair.b?.total ?? 0) > (pair.a?.total ?? 0) ? css.more : css.less}>{signed((pair.b?.total ?? 0) - (pair.a?.total ?? 0))}</span>}
                </span>
              </div>
            )
          })}
        </div>
      </div>
    </div>
  )
}

function sideWords(letter: string, side: Side | null): string {
  return side ? `${letter} ${duration(side.total)}${side.spans.length > 1 ? ` in ${side.spans.length}` : ''}` : `not in ${letter}`
}

function Bars({ side, trace, longest }: { side: Side | null; trace: Trace; longest: number }) {
  if (!side) return <span className={css.absent} aria-hidden="true">–</span>
  const place = (span: Span) => ({ left: `${Math.max(0, ((span.start - trace.start) / longest) * 100)}%`, width: `max(2px, ${((span.end - span.start) / longest) * 100}%)` })
  return (
    <span className={css.bars} aria-hidden="true">
      <span className={css.lane}>
        {side.spans.slice(0, mostBars).map((span, i) => (
          <span key={i} className={`${look.bar} ${look[`bar-${span.outcome}`]} ${span.segment === span ? '' : look.thin} ${span.inferred || standIn(span) ? look.hatched : ''} ${span.open ? look.openBar : ''}`} style={place(span)} />
        ))}
      </span>
      <span className={css.barLabel}>
        {duration(side.total)}
        {side.spans.length > 1 && ` · ${count(side.spans.length)}×`}
      </span>
    </span>
  )
}
