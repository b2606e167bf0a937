import { useQueries } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo, useRef, useState } from 'react'
import { deleteGroup, getGroupSeries } from '../../api/groups'
import type { Group } from '../../api/xray'
import { groupsChanged, useGroups, useLimit } from '../../app/asked'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { Missing, useRights } from '../../app/Rights'
import { useScope } from '../../app/scope'
import { count, duration, percent, plural, rate } from '../../model/format'
import { defaultGroup } from '../../model/groups'
import { percentile } from '../../model/histogram'
import { share, type Outcome } from '../../model/outcome'
import { labelOf, periodFor } from '../../model/time'
import { Button, IconButton } from '../../ui/Button'
import { Badge } from '../../ui/Card'
import { Spark } from '../../ui/chart/Spark'
import { Confirm } from '../../ui/Confirm'
import { Icon } from '../../ui/Icon'
import { Mark } from '../../ui/Outcomes'
import { SearchField } from '../../ui/SearchField'
import { Empty, Failed, Loading, Notice } from '../../ui/State'
import { Table, type Column } from '../../ui/Table'
import { toast } from '../../ui/Toasts'
import { GroupDialog } from './GroupDialog'
import { found, groupActions, groupFigures, type GroupFigures } from './model'
import css from './groups.module.css'

const route = getRouteApi('/groups')

interface Row {
  group: Group
  /** null: not known yet */
  figures: GroupFigures | null
  failed: boolean
}

export function GroupsPage() {
  const { find = '', edit, create } = route.useSearch()
  const navigate = route.useNavigate()
  const { window, range } = useScope()
  const search = useRef<HTMLInputElement>(null)
  const [gone, setGone] = useState<Group | null>(null)
  const rights = useRights(groupActions)
  const groups = useGroups(0)
  const most = useLimit('groups')
  const period = periodFor(window)
  // Periods count when they end before the end that is asked for. Up to now means also
  // the one that is not over yet.
  const asked = useMemo(() => (range.kind === 'last' ? { start: window.start, end: window.end + period } : window), [range.kind, window, period])
  const series = useQueries({
    queries: (groups.data ?? []).map((group) => ({
      // The filter is in the key: another one has other figures from then on.
      queryKey: ['group-series', asked, period, group.GroupName, group.FilterExpression],
      queryFn: ({ signal }: { signal: AbortSignal }) => getGroupSeries(asked, period, group.GroupName, signal),
    })),
  })
  const rows = useMemo(
    () =>
      found(groups.data ?? [], find).map((group): Row => {
        const answer = series[groups.data!.indexOf(group)]
        return { group, figures: answer?.data ? groupFigures(answer.data.periods, period, answer.data.old) : null, failed: answer?.isError ?? false }
      }),
    [groups.data, find, series, period],
  )
  const open = (change: { edit?: string | undefined; create?: string | undefined }) => void navigate({ search: (before) => ({ ...before, edit: undefined, create: undefined, ...change }) })
  const close = () => open({})
  const add = () => rights.may.create && open({ create: 'true' })
  useShortcuts('Groups', [
    { keys: 'c', does: 'Create a group', run: add },
    { keys: '/', does: 'Find a group', run: () => search.current?.focus() },
  ])
  const edited = edit ? groups.data?.find((group) => group.GroupName === edit) : undefined
  const old = rows.filter((row) => row.figures?.old)
  return (
    <Page title="Groups" scoped="time" fills>
      <div className={css.bar}>
        <SearchField ref={search} label="Find a group" placeholder="Name or filter" value={find} onChange={(text) => void navigate({ search: (before) => ({ ...before, find: text || undefined }), replace: true })} />
        <span className="quiet">{groups.data && (most === null ? plural(groups.data.length, 'group') : `${groups.data.length} of ${count(most)} groups`)}</span>
        <span className="space" />
        <Button look="main" icon={<Icon name="plus" />} isDisabled={!rights.may.create} onPress={add}>
          Create a group
        </Button>
      </div>
      {groups.isError && !groups.data ? (
        <Failed what="The groups are not there" error={groups.error} retry={() => void groups.refetch()} />
      ) : !groups.data ? (
        <Loading what="Asking for the groups" />
      ) : (
        <div className={css.page}>
          <Missing rights={rights} things="groups" />
          {edit && !edited && <Notice look="warning">There is no group {edit} any more.</Notice>}
          {old.length > 0 && (
            <Notice>
              {old.length === 1 ? `${old[0]!.group.GroupName} had` : `${old.map((row) => row.group.GroupName).join(', ')} had`} another filter in some of this time. Its figures are of what matched when it settled: what was in the group stays, what would be in it now does not join.
            </Notice>
          )}
          {rows.length === 0 ? (
            <Empty icon="groups" title="No group contains that" actions={<Button onPress={() => void navigate({ search: (before) => ({ ...before, find: undefined }) })}>Show all groups</Button>}>
              Neither the name nor the filter of any group contains “{find}”.
            </Empty>
          ) : (
            <div className={css.table}>
              <Table
                framed
                label="Groups"
                columns={columnsOf({ window, period, may: rights.may, onEdit: (name) => open({ edit: name }), onDelete: setGone })}
                rows={rows}
                rowKey={(row) => row.group.GroupName}
                foot={`Figures are requests of clients, ${labelOf(range).toLowerCase()}, counted in the minute in which they were received; what keep rules dropped counts too. A group is a filter expression with a name: a trace is matched when it settles, and belongs to all groups that it matched.`}
              />
            </div>
          )}
        </div>
      )}
      {create !== undefined && groups.data && <GroupDialog key="new" group={null} groups={groups.data} filter={create === 'true' ? '' : create} onClose={close} />}
      {edited && <GroupDialog key={edited.GroupName} group={edited} groups={groups.data ?? []} filter={edited.FilterExpression ?? ''} onClose={close} />}
      {gone && (
        <Confirm
          title={`Delete the group ${gone.GroupName}?`}
          does="Delete the group"
          run={async () => {
            await deleteGroup(gone.GroupName)
            await groupsChanged()
            toast(`The group ${gone.GroupName} is deleted.`)
          }}
          onClose={() => setGone(null)}
        >
          <p>Its traces stay. Its graphs, its figures and what was learned for its insights go; a group that is created later with the same name begins anew. Filters that mention it match nothing any more.</p>
        </Confirm>
      )}
    </Page>
  )
}

interface Actions {
  may: Readonly<Record<keyof typeof groupActions, boolean>>
  window: { start: number; end: number }
  period: number
  onEdit: (name: string) => void
  onDelete: (group: Group) => void
}

function columnsOf({ window, period, may, onEdit, onDelete }: Actions): Column<Row>[] {
  const outcome = (id: Outcome, head: string): Column<Row> => ({
    id,
    head,
    figures: true,
    sort: ({ figures }) => (figures ? share(figures.figures, id) : -1),
    cell: ({ figures }) => {
      if (!figures || figures.figures.total === 0) return <span className="quiet">–</span>
      const of = share(figures.figures, id)
      return (
        <span className={`${css.outcome} ${of > 0 ? '' : 'quiet'}`}>
          {of > 0 && <Mark outcome={id} />}
          {percent(of)}
        </span>
      )
    },
  })
  const time = (id: string, head: string, of: number): Column<Row> => ({
    id,
    head,
    figures: true,
    sort: ({ figures }) => (figures ? (percentile(figures.response, of) ?? -1) : -1),
    cell: ({ figures }) => <span className="nowrap">{figures ? duration(percentile(figures.response, of)) : ''}</span>,
  })
  return [
    {
      id: 'name',
      head: 'Group',
      names: true,
      sort: ({ group }) => group.GroupName,
      cell: ({ group }) => (
        <span className={css.name}>
          {group.GroupName}
          <span className={css.badges}>
            {group.InsightsConfiguration.InsightsEnabled && <Badge look="accent">insights</Badge>}
            {group.InsightsConfiguration.NotificationsEnabled && <Badge look="accent">notifications</Badge>}
          </span>
        </span>
      ),
    },
    {
      id: 'filter',
      head: 'Filter',
      cell: ({ group }) => (group.GroupName === defaultGroup ? <span className="quiet">Every trace. It is always there, has no filter and cannot be deleted.</span> : <code className={css.filter}>{group.FilterExpression}</code>),
    },
    {
      id: 'requests',
      head: 'Requests',
      figures: true,
      sort: ({ figures }) => figures?.figures.total ?? -1,
      cell: ({ group, figures, failed }) =>
        failed ? (
          <span className={css.bad}>not told</span>
        ) : !figures ? (
          <span className="quiet">…</span>
        ) : (
          <span className={css.requests}>
            <Spark label={`Requests of ${group.GroupName} over time: ${count(figures.figures.total)}`} window={window} step={period} buckets={figures.buckets} />
            <span className={css.total}>
              <b>{count(figures.figures.total)}</b>
              <span className="quiet">{rate(figures.figures.total, window.end - window.start)}</span>
            </span>
          </span>
        ),
    },
    outcome('fault', 'Faults'),
    outcome('error', 'Errors'),
    outcome('throttle', 'Throttles'),
    time('p50', 'p50', 0.5),
    time('p95', 'p95', 0.95),
    {
      id: 'do',
      head: 'Actions',
      hiddenHead: true,
      cell: ({ group }) => {
        const named = group.GroupName === defaultGroup ? undefined : group.GroupName
        return (
          <span className={css.actions}>
            <Link to="/" search={(before: object) => ({ ...before, ...nothing, group: named })} aria-label={`Map of ${group.GroupName}`} title="Trace map" className={css.link}>
              <Icon name="map" />
            </Link>
            <Link to="/traces" search={(before: object) => ({ ...before, ...nothing, group: named })} aria-label={`Traces of ${group.GroupName}`} title="Traces" className={css.link}>
              <Icon name="traces" />
            </Link>
            <IconButton label={`Edit ${group.GroupName}`} icon={<Icon name="edit" />} isDisabled={!may.change} onPress={() => onEdit(group.GroupName)} />
            {named === undefined ? <span className={css.none} /> : <IconButton label={`Delete ${group.GroupName}`} icon={<Icon name="delete" />} isDisabled={!may.delete} onPress={() => onDelete(group)} />}
          </span>
        )
      },
    },
  ]
}

/** What is this page's own in the URL goes when one leaves it. */
const nothing = { find: undefined, edit: undefined, create: undefined }
