import { Link } from '@tanstack/react-router'
import { useMemo, type ReactNode } from 'react'
import { bytes, count, duration, percent, plural } from '../../model/format'
import { kindOf, shortType, titleOf as nodeTitle } from '../../model/graph'
import { shareOf } from '../../model/histogram'
import { moment, printMoment } from '../../model/time'
import { Button, IconButton } from '../../ui/Button'
import { Badge, Tile, Tiles } from '../../ui/Card'
import { Code } from '../../ui/Code'
import { Copy } from '../../ui/Copy'
import { Icon } from '../../ui/Icon'
import { NodeIcon } from '../../ui/NodeIcon'
import { OutcomeBadge } from '../../ui/Outcomes'
import { Popover } from '../../ui/Popover'
import { Notice } from '../../ui/State'
import { Tabs, type TabSpec } from '../../ui/Tabs'
import { save } from './download'
import { JsonTree } from './JsonTree'
import type { CriticalPath } from './model/critical'
import { annotations, callee, causesOf, http, likenesses, linksOf, requestLine, resources, sourceOf, sql, titleOf, type Chain, type Fact, type FactGroup } from './model/facts'
import { outlives, type Skew } from './model/skew'
import { ownTime, standIn, type Span, type Trace } from './model/tree'
import { record, text } from './model/values'
import { skewText } from './Waterfall'
import css from './drawer.module.css'

interface DrawerProps {
  span: Span
  trace: Trace
  critical: CriticalPath
  skew: Skew | undefined
  tab: string | undefined
  onTab: (tab: string) => void
  onSpan: (span: Span, tab?: string) => void
  onZoom: (span: Span) => void
  onClose: () => void
}

/** All that is known of a segment or a subsegment. */
export function Drawer({ span, trace, critical, skew, tab, onTab, onSpan, onZoom, onClose }: DrawerProps) {
  const segment = span.segment === span
  const title = segment ? nodeTitle(span.service) : titleOf(span).name
  const causes = causesOf(span, trace)
  const links = linksOf(span)
  const notes = annotations(span)
  const where = resources(span)
  const request = http(span)
  const statement = sql(span)
  const metadata = record(span.document.metadata) ?? (Array.isArray(span.document.metadata) ? span.document.metadata : null)
  const tabs: TabSpec[] = [{ id: 'overview', label: 'Overview', content: <Overview span={span} trace={trace} critical={critical} skew={skew} onSpan={onSpan} /> }]
  if (where.length > 0) tabs.push({ id: 'resources', label: 'Resources', content: <Groups groups={where} /> })
  if (request.length > 0) tabs.push({ id: 'http', label: 'HTTP', content: <Groups groups={request} /> })
  if (statement) {
    tabs.push({
      id: 'sql',
      label: 'SQL',
      content: (
        <>
          {statement.query && (
            <div className={css.statement}>
              <Code text={statement.query} label="Copy the statement" />
            </div>
          )}
          <Facts facts={statement.facts} />
        </>
      ),
    })
  }
  if (causes.chains.length > 0 || causes.unknown !== null) {
    const all = causes.chains.reduce((sum, chain) => sum + chain.length, 0)
    tabs.push({ id: 'exceptions', label: all > 1 ? `Exceptions ${all}` : 'Exceptions', content: <Exceptions span={span} causes={causes} onSpan={onSpan} /> })
  }
  if (notes.length > 0) {
    tabs.push({
      id: 'annotations',
      label: `Annotations ${notes.length}`,
      content: (
        <>
          <dl className={css.facts}>
            {notes.map((note) => (
              <div key={note.key}>
                <dt>{note.key}</dt>
                <dd>
                  <code>{String(note.value)}</code>
                  <TracesLink filter={note.filter} trace={trace} quiet label={`Traces with ${note.key} = ${String(note.value)}`} />
                </dd>
              </div>
            ))}
          </dl>
          <p className={css.hint}>Annotations can be searched: the arrow finds traces with the same.</p>
        </>
      ),
    })
  }
  if (metadata) {
    tabs.push({
      id: 'metadata',
      label: 'Metadata',
      content: (
        <>
          <JsonTree value={metadata} open={3} />
          <p className={css.hint}>Metadata is kept and not searched.</p>
        </>
      ),
    })
  }
  if (links.length > 0) {
    tabs.push({
      id: 'links',
      label: `Links ${links.length}`,
      content: (
        <ul className={css.list}>
          {links.map((link, i) => (
            <li key={i}>
              <span className={css.quiet}>{link.relation === 'before' ? 'Comes from' : link.relation === 'behind' ? 'Led to' : 'Linked with'}</span>{' '}
              <Link to="/traces/$trace" params={{ trace: link.trace }} search={link.id ? { span: link.id } : {}}>
                <code>{link.trace}</code>
              </Link>
              {link.service && <span className={css.quiet}> {link.service}</span>}
            </li>
          ))}
        </ul>
      ),
    })
  }
  tabs.push({ id: 'raw', label: 'Raw', content: <Raw span={span} trace={trace} /> })
  const chosen = tabs.some((one) => one.id === tab) ? tab! : 'overview'
  return (
    <aside className={css.drawer} aria-label={`${segment ? 'Segment' : 'Subsegment'} ${title}`}>
      <header className={css.head}>
        <span className={css.icon}>
          <NodeIcon kind={segment ? kindOf(span.service.type) : 'service'} size={20} />
        </span>
        <div className={css.title}>
          <h2>{title}</h2>
          <span className={css.quiet}>
            {segment ? shortType(span.service.type) || 'Service' : `Subsegment of ${span.service.name}`}
            {span.inferred && ' · inferred'}
          </span>
        </div>
        <IconButton label="Close" shortcut="Esc" icon={<Icon name="close" />} onPress={onClose} />
      </header>
      <div className={css.actions}>
        <OutcomeBadge outcome={span.outcome} text={span.status === null ? span.outcome : `${span.outcome} ${span.status}`} />
        {span.open && <Badge>in progress</Badge>}
        {(span.inferred || standIn(span)) && <Badge>inferred</Badge>}
        <span className="space" />
        <Alike span={span} trace={trace} />
        <IconButton label="Zoom to it" shortcut="z" icon={<Icon name="fit" />} onPress={() => onZoom(span)} />
      </div>
      <div className={css.body}>
        <Tabs label="What is known of it" tabs={tabs} selected={chosen} onSelect={onTab} />
      </div>
    </aside>
  )
}

/** Links to traces with something in common with this one. */
function Alike({ span, trace }: { span: Span; trace: Trace }) {
  const found = likenesses(span, trace)
  return (
    <Popover
      label="Traces like this"
      className={css.alike}
      button={
        <Button icon={<Icon name="traces" size={14} />}>
          Find traces like this
          <Icon name="down" size={13} />
        </Button>
      }
    >
      <p className={css.hint}>In the hour around this trace.</p>
      <ul className={css.likenesses}>
        {found.map((one) => (
          <li key={one.filter}>
            <Link to="/traces" search={{ filter: one.filter, ...hourAround(trace), since: undefined, group: undefined }}>
              <span>{one.label}</span>
              <code>{one.filter}</code>
            </Link>
          </li>
        ))}
      </ul>
    </Popover>
  )
}

/** hourAround is half an hour before and behind a trace. */
function hourAround(trace: Trace): { from: string; to: string } {
  const minute = (seconds: number) => printMoment(Math.floor(seconds / 60) * 60)
  return { from: minute(trace.start - 1800), to: minute(trace.end + 1860) }
}

function TracesLink({ filter, trace, label, quiet = false }: { filter: string; trace: Trace; label: string; quiet?: boolean }) {
  return (
    <Link to="/traces" search={{ filter, ...hourAround(trace), since: undefined, group: undefined }} className={quiet ? css.find : ''} aria-label={label} title={label}>
      <Icon name="search" size={13} />
    </Link>
  )
}

function Overview({ span, trace, critical, skew, onSpan }: { span: Span; trace: Trace; critical: CriticalPath; skew: Skew | undefined; onSpan: (span: Span, tab?: string) => void }) {
  const took = span.end - span.start
  const whole = trace.end - trace.start
  const on = (critical.bySpan.get(span.index) ?? []).reduce((sum, step) => sum + step.to - step.from, 0) + (standIn(span) ? (critical.bySpan.get(standIn(span)!.index) ?? []).reduce((sum, step) => sum + step.to - step.from, 0) : 0)
  const source = sourceOf(span)
  const to = callee(span)
  const after = outlives(span)
  const caller = span.parent
  const crossing = caller !== null && caller.segment !== span.segment
  const own = ownTime(span)
  const message = text(record(span.document.cause)?.['message'])
  return (
    <div className={css.overview}>
      <Tiles small>
        <Tile name="Total" value={span.open ? '…' : duration(took)} note={span.open ? 'in progress' : `${percent(shareOf(took, whole))} of the trace`} />
        <Tile name="Own" value={span.open ? '…' : duration(own)} note={span.open ? '' : `${percent(shareOf(own, took))} of it`} />
        <Tile name="Critical path" value={duration(on)} note={`${percent(shareOf(on, critical.time))} of the response`} />
      </Tiles>
      {skew && <Notice look="warning">{skewText(skew)}</Notice>}
      {span.backwards && <Notice look="warning">It says that it ended {duration(span.start - (span.document.end_time ?? span.start))} before it began. It is drawn without a length.</Notice>}
      {span.missing && (
        <Notice look="warning">
          Its parent <code>{span.missing}</code> is not in the trace: it was not sent, has not come yet, or was dropped.
        </Notice>
      )}
      {span.looped && <Notice look="warning">It is its own ancestor by the ids of its parents. The circle is opened here.</Notice>}
      {span.inferred && <Notice>{span.service.name} sent no segment. What is known of it is what its caller saw.</Notice>}
      {!span.inferred && standIn(span) && (
        <Notice>
          {nodeTitle(standIn(span)!.service)} sent no segment of its own: what is known of it is what this call saw.
        </Notice>
      )}
      {after !== null && !skew && <Notice>It went on for {duration(after)} after its caller had gone on: nobody waited for that.</Notice>}
      {source && (
        <p className={css.source}>
          <Icon name="fault" size={15} /> The failure comes from{' '}
          <button type="button" className="word-button" onClick={() => onSpan(source)}>
            {source.segment === source ? source.service.name : `${source.name} in ${source.service.name}`}
          </button>
        </p>
      )}
      {message && <p className={css.message}>{message}</p>}
      <dl className={css.facts}>
        {requestLine(span) && <FactRow name="Request" value={requestLine(span)!} />}
        {span.status !== null && <FactRow name="Status" value={String(span.status)} />}
        {text(span.document.user) && <FactRow name="User" value={text(span.document.user)!} />}
        <FactRow name="Began" value={`${moment(span.start)}, ${duration(span.start - trace.start)} into the trace`} />
        <FactRow name="Ended" value={span.open ? 'not yet' : moment(span.end)} />
        {caller && (
          <div>
            <dt>{crossing ? 'Called by' : 'Inside of'}</dt>
            <dd>
              <button type="button" className="word-button" onClick={() => onSpan(caller)}>
                {caller.segment === caller ? caller.service.name : `${caller.name} in ${caller.service.name}`}
              </button>
            </dd>
          </div>
        )}
        {crossing && !span.open && !caller.open && <FactRow name="On the way" value={`${duration(span.start - caller.start)} there, ${duration(caller.end - span.end)} back, by the clocks of both`} />}
        {to && (
          <div>
            <dt>Calls</dt>
            <dd>
              <button type="button" className="word-button" onClick={() => onSpan(to)}>
                {nodeTitle(to.service)}
              </button>{' '}
              <span className={css.quiet}>{shortType(to.service.type)}</span>
            </dd>
          </div>
        )}
        {span.children.length > 0 && <FactRow name="Holds" value={`${plural(span.last - span.index, 'segment and subsegment', 'segments and subsegments')}, ${count(span.children.length)} directly`} />}
        {text(span.document.namespace) && <FactRow name="Namespace" value={text(span.document.namespace)!} />}
        <FactRow name="Id" value={span.id} copy />
        {text(span.document.parent_id) && <FactRow name="Parent" value={text(span.document.parent_id)!} copy />}
      </dl>
      <Gaps span={span} trace={trace} />
    </div>
  )
}

/** Where nothing is recorded in a span that has children. */
function Gaps({ span, trace }: { span: Span; trace: Trace }) {
  const gaps = useMemo(() => {
    const found = span.children.flatMap((child) => [child.before, child.behind].filter((gap) => gap !== null))
    return found.filter((gap) => gap.to - gap.from >= Math.max(0.001, (span.end - span.start) * 0.02)).sort((a, b) => b.to - b.from - (a.to - a.from))
  }, [span])
  if (gaps.length === 0 || standIn(span)) return null
  return (
    <section>
      <h3>Gaps</h3>
      <p className={css.hint}>Times in which none of what it holds ran: its own work, or waiting that nobody records.</p>
      <ul className={css.list}>
        {gaps.slice(0, 8).map((gap) => (
          <li key={gap.from} className={css.gapLine}>
            <strong>{duration(gap.to - gap.from)}</strong> from {duration(gap.from - trace.start)} to {duration(gap.to - trace.start)}
          </li>
        ))}
      </ul>
      {gaps.length > 8 && <p className={css.hint}>And {gaps.length - 8} shorter ones.</p>}
    </section>
  )
}

function Groups({ groups }: { groups: readonly FactGroup[] }) {
  return (
    <div className={css.groups}>
      {groups.map((group) => (
        <section key={group.title}>
          <h3>{group.title}</h3>
          <Facts facts={group.facts} />
        </section>
      ))}
    </div>
  )
}

function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={css.facts}>
      {facts.map((fact) => (
        <FactRow key={fact.name} name={fact.name} value={fact.value} copy={fact.value.length > 16} />
      ))}
    </dl>
  )
}

function FactRow({ name, value, copy = false }: { name: string; value: ReactNode & string; copy?: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <span className={css.value}>{value}</span>
        {copy && (
          <span className={css.copy}>
            <Copy text={value} label={`Copy ${name}`} />
          </span>
        )}
      </dd>
    </div>
  )
}

function Exceptions({ span, causes, onSpan }: { span: Span; causes: ReturnType<typeof causesOf>; onSpan: (span: Span, tab?: string) => void }) {
  return (
    <div className={css.groups}>
      {causes.unknown && (
        <Notice look="warning">
          The cause is exception <code>{causes.unknown}</code>, which no segment of this trace records.
        </Notice>
      )}
      {causes.chains.map((chain, i) => (
        <ChainList key={i} chain={chain} span={span} onSpan={onSpan} />
      ))}
      {causes.directory && (
        <p className={css.hint}>
          Working directory <code>{causes.directory}</code>
        </p>
      )}
    </div>
  )
}

function ChainList({ chain, span, onSpan }: { chain: Chain; span: Span; onSpan: (span: Span, tab?: string) => void }) {
  return (
    <ol className={css.chain}>
      {chain.map((exception, i) => {
        const before = chain[i - 1]
        return (
          <li key={exception.id ?? i}>
            {before && <p className={css.because}>caused by{before.skipped > 0 && `, ${plural(before.skipped, 'exception')} left out between`}</p>}
            <h3>
              {exception.type ?? 'Exception'}
              {exception.remote && <Badge>remote</Badge>}
            </h3>
            {exception.message && <p className={css.message}>{exception.message}</p>}
            {exception.span !== span && (
              <p>
                <Icon name="link" size={14} /> Recorded in{' '}
                <button type="button" className="word-button" onClick={() => onSpan(exception.span, 'exceptions')}>
                  {exception.span.segment === exception.span ? exception.span.service.name : `${exception.span.name} in ${exception.span.service.name}`}
                </button>
              </p>
            )}
            {exception.stack.length > 0 && (
              <ol className={css.stack} tabIndex={0} aria-label={`Stack of ${exception.type ?? 'the exception'}`}>
                {exception.stack.slice(0, mostFrames).map((frame, k) => (
                  <li key={k}>
                    <code>{frame.label ?? '(no function)'}</code>
                    <span className={css.quiet}>
                      {frame.path}
                      {frame.line !== null && `:${frame.line}`}
                    </span>
                  </li>
                ))}
              </ol>
            )}
            {(exception.truncated > 0 || exception.stack.length > mostFrames) && <p className={css.hint}>{count(exception.truncated + Math.max(0, exception.stack.length - mostFrames))} more frames{exception.truncated > 0 ? ' were left out by who sent it' : ' are in the raw document'}.</p>}
          </li>
        )
      })}
    </ol>
  )
}

/** So many frames of a stack are shown. */
const mostFrames = 200

/** So much of a document is shown as text. */
const mostText = 100_000

function Raw({ span, trace }: { span: Span; trace: Trace }) {
  const { segment } = span
  const pretty = useMemo(() => JSON.stringify(span.document, null, 2), [span])
  return (
    <div className={css.raw}>
      <div className={css.rawBar}>
        <span className={css.quiet}>
          {span === segment ? 'Segment document' : `Part of the document of ${segment.service.name}`}, {bytes(new TextEncoder().encode(pretty).length)}
        </span>
        <span className="space" />
        <Copy text={pretty} label="Copy the document" />
        <IconButton label="Download the segment document" icon={<Icon name="download" size={15} />} onPress={() => save(`${trace.id}-${segment.id}.json`, JSON.stringify(segment.document, null, 2))} />
      </div>
      <pre className={css.json} tabIndex={0} aria-label="Raw document">
        {pretty.slice(0, mostText)}
      </pre>
      {pretty.length > mostText && (
        <p className={css.hint}>
          The first {bytes(mostText)} are shown. Copying and downloading take all. <Button onPress={() => save(`${trace.id}-${segment.id}.json`, pretty)}>Download</Button>
        </p>
      )}
    </div>
  )
}
