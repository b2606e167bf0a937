import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo, type ReactNode } from 'react'
import { getLosses } from '../../api/losses'
import type { SamplingState } from '../../api/sampling'
import { getStatus, getTelemetry, type Operation, type Span, type Status } from '../../api/status'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { bytes, count, duration, lasting, percent, plural, short } from '../../model/format'
import { ago, moment, toTheSecond } from '../../model/time'
import { IconButton } from '../../ui/Button'
import { Badge, Card, Facts, Tile, Tiles } from '../../ui/Card'
import { Lines } from '../../ui/chart/Lines'
import { Icon } from '../../ui/Icon'
import { Segmented } from '../../ui/Segmented'
import { Select } from '../../ui/Select'
import { Failed, Loading, Notice } from '../../ui/State'
import { Table, type Column } from '../../ui/Table'
import { latestRate, lossesOf, meanSeconds, pointsOf, reasons, senderFigures, windowOf, type Loss, type SenderFigures } from './model'
import css from './status.module.css'

const route = getRouteApi('/status')

/** How often it is looked again, in milliseconds. */
const every: Record<Span, number> = { hour: 5000, day: 30_000 }

export function StatusPage() {
  const { span = 'hour', paused } = route.useSearch()
  const navigate = route.useNavigate()
  const status = useQuery({
    queryKey: ['status', span],
    queryFn: ({ signal }) => getStatus(span, signal),
    staleTime: 0,
    placeholderData: keepPreviousData,
    refetchInterval: paused ? false : every[span],
  })
  const pause = () => void navigate({ search: (before) => ({ ...before, paused: before.paused ? undefined : ('yes' as const) }) })
  const refresh = () => void status.refetch()
  useShortcuts('Status', [
    { keys: 'r', does: 'Refresh', run: refresh },
    { keys: 'p', does: 'Pause, or go on', run: pause },
  ])
  return (
    <Page
      title="Status"
      aside={
        status.data && (
          <span className={css.head}>
            {status.isError ? <Badge look="bad">does not answer</Badge> : paused ? <Badge look="warning">paused</Badge> : <Badge look="good">live</Badge>}
            <span className="quiet">
              Tomo {status.data.Version || 'of no version'}, up {duration(status.data.Time - status.data.StartTime)}
              {status.data.Tenant !== 'default' && <>, tenant {status.data.Tenant}</>}
            </span>
          </span>
        )
      }
      tools={
        <>
          <Segmented
            label="Time of the charts"
            value={span}
            choices={[
              { value: 'hour', label: 'Last hour' },
              { value: 'day', label: 'Last day' },
            ]}
            onChange={(value: Span) => void navigate({ search: (before) => ({ ...before, span: value === 'day' ? value : undefined }) })}
          />
          <IconButton label={paused ? 'Go on refreshing' : 'Pause refreshing'} shortcut="p" look="plain" icon={<Icon name={paused ? 'play' : 'pause'} />} onPress={pause} />
          <IconButton label="Refresh" shortcut="r" look="plain" icon={<Icon name="refresh" />} onPress={refresh} />
        </>
      }
    >
      {status.isError && !status.data ? <Failed what="The server does not tell its state" error={status.error} retry={refresh} /> : !status.data ? <Loading /> : <Whole status={status.data} span={span} failed={status.isError ? status.error : null} />}
    </Page>
  )
}

function Whole({ status, span, failed }: { status: Status; span: Span; failed: Error | null }) {
  return (
    <div className={css.page}>
      {failed && <Notice look="warning">The server does not answer any more: {failed.message} What is shown is of {toTheSecond(status.Time)}.</Notice>}
      <Summary status={status} />
      <Charts status={status} span={span} />
      <LossesCard counts={status.Losses} />
      <div className={css.columns}>
        <StorageCard status={status} />
        <WorkCard status={status} span={span} />
      </div>
      <div className={css.columns}>
        <SamplingCard states={status.Sampling} />
        <Daemons count={status.Senders} />
      </div>
      {status.Process && <Operations operations={status.Operations} />}
    </div>
  )
}

function Summary({ status }: { status: Status }) {
  const documents = latestRate(status.History, status.History.DocumentCount)
  const size = latestRate(status.History, status.History.ByteCount)
  const grave = Object.entries(status.Losses).reduce((sum, [reason, n]) => (reasons[reason]?.grave ? sum + n : sum), 0)
  const { Storage: storage, Disk: disk, Process: process } = status
  const stored = storage ? storage.BlockBytes + storage.LogBytes : 0
  return (
    <Tiles>
      <Tile name="Documents" value={documents === null ? '–' : `${short(documents)}/s`} note={size === null ? 'begins to count' : `${bytes(size)}/s, over the last minute`} />
      <Tile name="Not to be seen" value={count(grave)} note="documents refused or dropped" look={grave > 0 ? 'warning' : undefined} />
      {storage && <Tile name="Traces held" value={short(storage.TraceCount)} note={storage.OldestTime === null ? 'none is settled yet' : `since ${ago(storage.OldestTime, status.Time)}`} />}
      {storage && <Tile name="Open traces" value={count(storage.OpenCount)} note={`${bytes(storage.OpenByteCount)} in memory`} />}
      {storage && <Tile name="Stored" value={bytes(stored)} note={`kept for ${lasting(storage.RetentionSeconds)}`} />}
      {disk && <Tile name="Disk free" value={bytes(disk.FreeBytes)} note={`${percent(disk.FreeBytes / disk.TotalBytes)} of ${bytes(disk.TotalBytes)}`} look={disk.FreeBytes < disk.TotalBytes / 20 ? 'warning' : undefined} />}
      {process && <Tile name="Memory" value={bytes(process.MemoryBytes)} note={process.MemoryLimit > 0 ? `of ${bytes(process.MemoryLimit)}` : 'without a limit'} look={process.MemoryLimit > 0 && process.MemoryBytes > process.MemoryLimit * 0.95 ? 'warning' : undefined} />}
    </Tiles>
  )
}

function Charts({ status, span }: { status: Status; span: Span }) {
  const points = useMemo(() => pointsOf(status.History), [status.History])
  const window = windowOf(span, status.Time, status.StartTime)
  const shared = { window, times: points.times }
  const step = span === 'day' ? 'in a minute' : 'in ten seconds'
  if (points.times.length === 0) return <Notice>The charts begin in ten seconds.</Notice>
  return (
    <div className={css.charts}>
      <Chart title="Documents stored" about="a second">
        <Lines {...shared} label="Documents stored a second" format={(n) => `${short(n)}/s`} lines={[{ name: 'documents', colour: '--accent', values: points.documents }]} least={1} />
      </Chart>
      <Chart title="Bytes stored" about="a second">
        <Lines {...shared} label="Bytes stored a second" format={(n) => `${bytes(n)}/s`} lines={[{ name: 'bytes', colour: '--accent', values: points.bytes }]} least={1024} binary />
      </Chart>
      <Chart title="Losses" about={`documents ${step}`}>
        <Lines
          {...shared}
          label={`Documents lost ${step}`}
          format={count}
          lines={[
            { name: 'refused', colour: '--fault', values: points.lost.refused },
            { name: 'dropped', colour: '--error', values: points.lost.dropped },
            { name: 'truncated', colour: '--throttle', values: points.lost.truncated },
          ]}
          least={3}
        />
      </Chart>
      <Chart title="Traces" about="settled, and dropped by keep rules, a second">
        <Lines
          {...shared}
          label="Traces a second"
          format={(n) => `${short(n)}/s`}
          lines={[
            { name: 'settled', colour: '--ok', values: points.settled },
            { name: 'dropped', colour: '--none', values: points.dropped },
          ]}
          least={1}
        />
      </Chart>
      <Chart title="Open traces" about="not settled yet">
        <Lines {...shared} label="Open traces" format={short} lines={[{ name: 'open', colour: '--throttle', values: points.open }]} least={10} />
      </Chart>
      <Chart title="Stored" about="blocks and log">
        <Lines {...shared} label="Bytes of blocks and log" format={bytes} lines={[{ name: 'stored', colour: '--ok', values: points.stored }]} least={1024 * 1024} binary />
      </Chart>
    </div>
  )
}

function Chart({ title, about, children }: { title: string; about: string; children: ReactNode }) {
  return (
    <figure className={css.chart}>
      <figcaption>
        <b>{title}</b> <span className="quiet">{about}</span>
      </figcaption>
      {children}
    </figure>
  )
}

const all = ''

/** What was sent and is not to be seen, and why: the first complaint of everybody. */
function LossesCard({ counts }: { counts: Status['Losses'] }) {
  const { reason } = route.useSearch()
  const navigate = route.useNavigate()
  const total = Object.values(counts).reduce((sum, n) => sum + n, 0)
  // Asked again when there is something new, not each time.
  const losses = useQuery({ queryKey: ['losses', 'status', total], queryFn: ({ signal }) => getLosses(signal), staleTime: Infinity })
  const shown = lossesOf(losses.data?.Recent ?? [], reason)
  const most = 100
  return (
    <Card
      title="What is not, or no longer, to be seen"
      flush
      aside={
        <Select
          label="Reason"
          labelled
          value={reason ?? all}
          choices={[{ value: all, label: `All ${count(total)}` }, ...Object.entries(counts).map(([value, n]) => ({ value, label: `${reasons[value]?.name ?? value} ${count(n)}`, ...(reasons[value] ? { note: reasons[value].means } : {}) }))]}
          onChange={(value) => void navigate({ search: (before) => ({ ...before, reason: value || undefined }) })}
        />
      }
    >
      {losses.isError ? (
        <Failed what="The losses are not told" error={losses.error} retry={() => void losses.refetch()} />
      ) : !losses.data ? (
        <Loading />
      ) : shown.length === 0 ? (
        <p className={css.empty}>
          {(reason ? (counts[reason] ?? 0) : total) === 0 ? 'Nothing. Everything that was sent since the server started is there as it was sent.' : 'None of the latest thousand cases is of that reason.'}
        </p>
      ) : (
        <div className={css.tall}>
          <Table label="Latest losses" columns={lossColumns} rows={shown.slice(0, most)} rowKey={(loss) => `${loss.Time} ${loss.Id} ${loss.Reason} ${shown.indexOf(loss)}`} />
          <p className={css.foot}>
            {shown.length > most && `The newest ${most} of ${count(shown.length)} cases. `}
            Counts are of documents since the server started, of which the latest thousand cases are kept.
          </p>
        </div>
      )}
    </Card>
  )
}

const lossColumns: Column<Loss>[] = [
  { id: 'time', head: 'When', names: true, sort: (loss) => loss.Time, cell: (loss) => <span className="nowrap">{moment(loss.Time)}</span> },
  { id: 'reason', head: 'Reason', sort: (loss) => loss.Reason, cell: (loss) => <Badge look={reasons[loss.Reason]?.grave ? 'bad' : 'plain'}>{loss.Reason}</Badge> },
  { id: 'count', head: 'Documents', figures: true, sort: (loss) => loss.Count, cell: (loss) => count(Math.max(1, loss.Count)) },
  { id: 'source', head: 'From', sort: (loss) => loss.Source, cell: (loss) => loss.Source },
  { id: 'detail', head: 'Why', cell: (loss) => <span className={css.detail}>{loss.Detail}</span> },
  {
    id: 'trace',
    head: 'Trace or id',
    cell: (loss) =>
      loss.Trace ? (
        <Link to="/traces/$trace" params={{ trace: loss.Trace }}>
          <code>{loss.Trace}</code>
        </Link>
      ) : (
        <code>{loss.Id}</code>
      ),
  },
]

function StorageCard({ status }: { status: Status }) {
  const { Storage: storage } = status
  if (!storage) return null
  return (
    <Card title="Storage" aside={storage.FailedCount > 0 ? <Badge look="bad">{plural(storage.FailedCount, 'failed write')}</Badge> : <Badge look="good">no write has failed</Badge>}>
      <Facts>
        <dt>Blocks</dt>
        <dd>
          {count(storage.BlockCount)}, {bytes(storage.BlockBytes)}
        </dd>
        <dt>In them</dt>
        <dd>
          {plural(storage.TraceCount, 'trace')}, {plural(storage.DocumentCount, 'document')}
        </dd>
        {storage.DroppedCount > 0 && (
          <>
            <dt>Figures only</dt>
            <dd>{plural(storage.DroppedCount, 'trace')}, dropped by keep rules</dd>
          </>
        )}
        <dt>Log</dt>
        <dd>{bytes(storage.LogBytes)}</dd>
        <dt>Open</dt>
        <dd>
          {plural(storage.OpenCount, 'trace')} of {plural(storage.OpenDocuments, 'document')}; the one that waits longest has been quiet for {duration(storage.SettleLagSeconds)}
        </dd>
        <dt>Retention</dt>
        <dd>
          {lasting(storage.RetentionSeconds)}; {plural(storage.ExpiredCount, 'block')} expired since the start
        </dd>
        <dt>Compactions</dt>
        <dd>{count(storage.CompactionCount)}</dd>
        <dt>Doors</dt>
        <dd>
          {status.Doors.length === 0
            ? 'nothing came yet'
            : status.Doors.map((door) => `${door.Source}: ${count(door.DocumentCount)} documents, ${bytes(door.ByteCount)}${door.RefusedCount > 0 ? `, ${count(door.RefusedCount)} refused` : ''}`).join('; ')}
        </dd>
      </Facts>
    </Card>
  )
}

function WorkCard({ status, span }: { status: Status; span: Span }) {
  const { Groups: groups, Insights: insights, Keep: keep, Process: process } = status
  const points = useMemo(() => pointsOf(status.History), [status.History])
  return (
    <Card title="At work">
      <Facts>
        <dt>Groups</dt>
        <dd>
          <Link to="/groups">{plural(groups.Count, 'group')}</Link>, {groups.WithInsights} with insights, {groups.WithNotifications} with notifications
        </dd>
        <dt>Insights</dt>
        <dd>
          {insights.ActiveCount === 0 ? 'none active' : `${count(insights.ActiveCount)} active`}
          {groups.WithInsights > 0 && insights.JudgedTime !== null && `; minutes up to ${ago(insights.JudgedTime, status.Time)} are judged`}
        </dd>
        <dt>Keep rules</dt>
        <dd>
          <Link to="/settings" search={{ section: 'keep-rules' }}>
            {count(keep.KeptCount)} traces kept
          </Link>
          , {count(keep.DroppedCount)} dropped
        </dd>
        {process && (
          <>
            <dt>Process</dt>
            <dd>
              {process.RuntimeVersion}, {plural(process.ProcessorCount, 'processor')}, {plural(process.Goroutines, 'goroutine')}
            </dd>
            <dt>Heap</dt>
            <dd>{bytes(process.HeapBytes)}</dd>
            <dt>Requests</dt>
            <dd>bodies of {bytes(process.BodyBytes)} are being read</dd>
            <dt>Access</dt>
            <dd>{process.HasCredentials ? 'who has credentials' : 'everybody who reaches the server'}</dd>
          </>
        )}
      </Facts>
      {process && points.times.length > 0 && (
        <div className={css.memory}>
          <Lines label="Memory of the process" window={windowOf(span, status.Time, status.StartTime)} times={points.times} format={bytes} binary lines={[{ name: 'memory', colour: '--accent', values: points.memory }]} least={process.MemoryLimit || 64 * 1024 * 1024} height={96} />
        </div>
      )}
    </Card>
  )
}

const stateColumns: Column<SamplingState>[] = [
  { id: 'rule', head: 'Sampling rule', names: true, cell: (state) => state.RuleName },
  { id: 'clients', head: 'Clients', figures: true, cell: (state) => count(state.ClientCount) },
  { id: 'rate', head: 'Rate now', figures: true, cell: (state) => percent(state.Rate) },
  { id: 'leased', head: 'Reservoir in use', figures: true, cell: (state) => `${count(state.LeasedCount)}/s` },
]

function SamplingCard({ states }: { states: readonly SamplingState[] }) {
  return (
    <Card title="Sampling clients" flush aside={<Link to="/sampling">Sampling rules</Link>}>
      <Table label="Sampling rules and their clients" columns={stateColumns} rows={states} rowKey={(state) => state.RuleName} />
    </Card>
  )
}

const senderColumns: Column<SenderFigures>[] = [
  { id: 'name', head: 'Daemon', names: true, cell: (sender) => sender.name },
  { id: 'last', head: 'Last heard', sort: (sender) => sender.last, cell: (sender) => ago(sender.last, Date.now() / 1000) },
  { id: 'received', head: 'Received', figures: true, sort: (sender) => sender.received, cell: (sender) => count(sender.received) },
  { id: 'sent', head: 'Sent', figures: true, sort: (sender) => sender.sent, cell: (sender) => count(sender.sent) },
  { id: 'lost', head: 'Lost', figures: true, sort: (sender) => sender.lost, cell: (sender) => count(sender.lost) },
  { id: 'failures', head: 'Failed calls', figures: true, sort: (sender) => sender.failures, cell: (sender) => count(sender.failures) },
]

function Daemons({ count: senders }: { count: number }) {
  const telemetry = useQuery({ queryKey: ['telemetry', senders], queryFn: ({ signal }) => getTelemetry(signal), staleTime: 0, enabled: senders > 0, refetchInterval: 30_000 })
  const rows = useMemo(() => (telemetry.data ?? []).map(senderFigures), [telemetry.data])
  return (
    <Card title="Telemetry of daemons" flush aside="the latest 60 records of each">
      {senders === 0 ? (
        <p className={css.empty}>No daemon has sent telemetry since the server started. The X-Ray daemon does so every minute, unless it was told not to.</p>
      ) : telemetry.isError ? (
        <Failed what="The telemetry is not told" error={telemetry.error} retry={() => void telemetry.refetch()} />
      ) : !telemetry.data ? (
        <Loading />
      ) : (
        <Table label="Daemons" columns={senderColumns} rows={rows} rowKey={(sender) => sender.name} sorted={{ column: 'last', down: true }} />
      )}
    </Card>
  )
}

const operationColumns: Column<Operation>[] = [
  { id: 'name', head: 'Operation', names: true, sort: (operation) => operation.Name, cell: (operation) => operation.Name },
  { id: 'count', head: 'Requests', figures: true, sort: (operation) => operation.RequestCount, cell: (operation) => count(operation.RequestCount) },
  { id: 'refused', head: 'Refused (4xx)', figures: true, sort: (operation) => operation.RefusedCount, cell: (operation) => count(operation.RefusedCount) },
  { id: 'failed', head: 'Failed (5xx)', figures: true, sort: (operation) => operation.FailureCount, cell: (operation) => (operation.FailureCount > 0 ? <Badge look="bad">{count(operation.FailureCount)}</Badge> : '0') },
  { id: 'gone', head: 'Given up', figures: true, sort: (operation) => operation.GivenUpCount, cell: (operation) => count(operation.GivenUpCount) },
  { id: 'mean', head: 'Average', figures: true, sort: meanSeconds, cell: (operation) => duration(meanSeconds(operation)) },
  { id: 'max', head: 'Longest', figures: true, sort: (operation) => operation.MaxSeconds, cell: (operation) => duration(operation.MaxSeconds) },
]

function Operations({ operations }: { operations: readonly Operation[] }) {
  return (
    <Card title="Requests" flush aside="of all tenants, since the server started">
      <Table label="Requests by operation" columns={operationColumns} rows={operations} rowKey={(operation) => operation.Name} sorted={{ column: 'count', down: true }} />
    </Card>
  )
}
