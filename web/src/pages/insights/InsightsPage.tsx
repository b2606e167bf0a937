import { useMutation, useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import { updateGroup } from '../../api/groups'
import { getInsightSummaries, type InsightSummary } from '../../api/insights'
import type { Group, Window } from '../../api/xray'
import { groupsChanged, useGroups } from '../../app/asked'
import { Page } from '../../app/Page'
import { Missing, useRights } from '../../app/Rights'
import { useShortcuts } from '../../app/keys'
import { useScope } from '../../app/scope'
import { plural } from '../../model/format'
import { defaultGroup, watchedGroups } from '../../model/groups'
import { shell } from '../../model/shell'
import { ago, clock, labelOf as rangeLabel, timeTicks } from '../../model/time'
import { Button } from '../../ui/Button'
import { Code } from '../../ui/Code'
import { Icon } from '../../ui/Icon'
import { Segmented } from '../../ui/Segmented'
import { Empty, Failed, Loading } from '../../ui/State'
import { Table, type Column } from '../../ui/Table'
import { toast } from '../../ui/Toasts'
import { chosenInsights, kindLabel, kindsOf, lasted, stripes } from './model'
import { ImpactBar, ServiceName, StateBadge } from './parts'
import type { InsightsSearch } from './search'
import css from './insights.module.css'

const route = getRouteApi('/insights')

/** How long insights are kept, and how far back windows may begin. docs/insights.md. */
const kept = 30 * 86_400

/** The insights of a time. */
export function InsightsPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const { window: asked, group, range } = useScope()
  // What is older is not kept, and asking for it is an error.
  const window = useMemo(() => ({ start: Math.max(asked.start, Math.floor(Date.now() / 1000) - kept), end: asked.end }), [asked])
  const change = (next: InsightsSearch) => void navigate({ search: (before) => ({ ...before, ...next }) })
  const groups = useGroups()
  const watched = useMemo(() => watchedGroups(groups.data ?? [], group), [groups.data, group])
  const found = useInsightsOf(watched, window, groups.data !== undefined && watched.length > 0 && window.start < window.end)
  const rows = useMemo(() => chosenInsights(found.data ?? [], search), [found.data, search])
  useShortcuts('Insights', [
    { keys: '1', does: 'All', run: () => change({ state: undefined }) },
    { keys: '2', does: 'Active ones', run: () => change({ state: 'active' }) },
    { keys: '3', does: 'Closed ones', run: () => change({ state: 'closed' }) },
  ])
  const all = found.data?.length ?? 0
  const active = (found.data ?? []).filter((one) => one.State === 'ACTIVE').length
  return (
    <Page title="Insights" scoped>
      {groups.isError ? (
        <Failed what="The groups are not there" error={groups.error} retry={() => void groups.refetch()} />
      ) : found.isError && !found.data ? (
        <Failed what="The insights are not there" error={found.error} retry={() => void found.refetch()} />
      ) : !groups.data ? (
        <Loading what="Asking for the groups" />
      ) : watched.length === 0 ? (
        <NotEnabled group={groups.data.find((one) => one.GroupName === (group ?? defaultGroup))} chosen={group} others={watchedGroups(groups.data, undefined).length} />
      ) : window.start >= window.end ? (
        <None watched={watched} range={rangeLabel(range)} />
      ) : !found.data ? (
        <Loading what="Asking for insights" />
      ) : (
        <div className={css.list}>
          <div className={css.toolbar}>
            <Segmented
              label="State"
              value={search.state ?? 'all'}
              choices={[
                { value: 'all', label: `All ${all}` },
                { value: 'active', label: `Active ${active}` },
                { value: 'closed', label: `Closed ${all - active}` },
              ]}
              onChange={(state) => change({ state: state === 'all' ? undefined : state })}
            />
            <Segmented
              label="Category"
              value={search.kind ?? 'any'}
              choices={[
                { value: 'any', label: 'Any' },
                { value: 'faults', label: 'Faults' },
                { value: 'slow', label: 'Slow responses' },
              ]}
              onChange={(kind) => change({ kind: kind === 'any' ? undefined : kind })}
            />
            <span className="space" />
            <span className="quiet">
              Watched: {watched.join(', ')}
            </span>
          </div>
          {all === 0 ? (
            <None watched={watched} range={rangeLabel(range)} />
          ) : (
            <>
              <Strip insights={rows} window={window} />
              {rows.length === 0 ? (
                <Empty icon="insights" title={`None of the ${plural(all, 'insight')} in this time is so`} actions={<Button onPress={() => change({ state: undefined, kind: undefined })}>Show all</Button>} />
              ) : (
                <div className={css.table}>
                  <Table label="Insights" columns={columns} rows={rows} rowKey={(one) => one.InsightId} framed />
                </div>
              )}
              <p className="note">
                {plural(rows.length, 'insight')} of which a moment lies in this time. Insights tell of faults and slow responses clearly beyond what is usual; errors of clients and throttles make none. They are kept for 30 days.
              </p>
            </>
          )}
        </div>
      )}
    </Page>
  )
}

function useInsightsOf(groups: readonly string[], window: Window, enabled: boolean) {
  return useQuery({
    queryKey: ['insights', 'all', groups, window],
    queryFn: async ({ signal }) => (await Promise.all(groups.map((name) => getInsightSummaries(window, name, undefined, signal)))).flat(),
    enabled,
  })
}

const columns: Column<InsightSummary>[] = [
  { id: 'state', head: 'State', sort: (one) => one.State, cell: (one) => <StateBadge state={one.State} /> },
  {
    id: 'what',
    head: 'What',
    names: true,
    cell: (one) => (
      <Link to="/insights/$insightId" params={{ insightId: one.InsightId }} className={css.what}>
        {kindLabel(kindsOf(one.Summary))}
      </Link>
    ),
  },
  { id: 'cause', head: 'Root cause', sort: (one) => one.RootCauseServiceId.Name, cell: (one) => <ServiceName service={one.RootCauseServiceId} typed /> },
  { id: 'start', head: 'Began', sort: (one) => one.StartTime, cell: (one) => <span title={ago(one.StartTime, Date.now() / 1000)}>{clock(one.StartTime)}</span> },
  { id: 'lasted', head: 'Lasted', figures: true, sort: (one) => (one.EndTime ?? Date.now() / 1000) - one.StartTime, cell: (one) => lasted(one, Date.now() / 1000) },
  { id: 'client', head: 'Failed requests of clients', sort: (one) => one.ClientRequestImpactStatistics.FaultCount, cell: (one) => <ImpactBar impact={one.ClientRequestImpactStatistics} /> },
  { id: 'atCause', head: 'Failed at the cause', sort: (one) => one.RootCauseServiceRequestImpactStatistics.FaultCount, cell: (one) => <ImpactBar impact={one.RootCauseServiceRequestImpactStatistics} /> },
  {
    id: 'affected',
    head: 'Affected',
    figures: true,
    sort: (one) => one.TopAnomalousServices.length,
    cell: (one) => <span title={one.TopAnomalousServices.map((service) => service.ServiceId.Name).join(', ')}>{one.TopAnomalousServices.length}</span>,
  },
  { id: 'group', head: 'Group', sort: (one) => one.GroupName, cell: (one) => one.GroupName },
]

/** When insights began and ended. Each leads to its page; the table says the same. */
function Strip({ insights, window }: { insights: readonly InsightSummary[]; window: Window }) {
  const drawn = useMemo(() => stripes(insights, window), [insights, window])
  const lanes = Math.min(mostLanes, Math.max(1, ...drawn.map((stripe) => stripe.lane + 1)))
  const left = drawn.filter((stripe) => stripe.lane >= mostLanes).length
  const span = window.end - window.start
  return (
    <div className={css.strip} style={{ height: `${lanes * 22 + 30}px` }}>
      {timeTicks(window, 10).map((at) => (
        <span key={at} className={css.stripTick} style={{ left: `${((at - window.start) / span) * 100}%` }}>
          {clock(at, window.end)}
        </span>
      ))}
      {drawn
        .filter((stripe) => stripe.lane < mostLanes)
        .map(({ insight, lane, from, to }) => (
          <Link
            key={insight.InsightId}
            to="/insights/$insightId"
            params={{ insightId: insight.InsightId }}
            className={`${css.stripe} ${insight.State === 'ACTIVE' ? css.stripeActive : ''}`}
            style={{ left: `${from * 100}%`, width: `max(12px, ${(to - from) * 100}%)`, top: `${lane * 22 + 6}px` }}
            aria-label={`${kindLabel(kindsOf(insight.Summary))} of ${insight.RootCauseServiceId.Name} from ${clock(insight.StartTime)}`}
            title={insight.Summary}
          >
            <span aria-hidden="true">{insight.RootCauseServiceId.Name}</span>
          </Link>
        ))}
      {left > 0 && <span className={css.stripLeft}>{plural(left, 'more')} at the same times</span>}
    </div>
  )
}

const mostLanes = 8

/** Nobody watches. */
function NotEnabled({ group, chosen, others }: { group: Group | undefined; chosen: string | undefined; others: number }) {
  const { setGroup } = useScope()
  const rights = useRights({ enable: 'xray:UpdateGroup' })
  const name = group?.GroupName ?? chosen ?? defaultGroup
  const command = `tomo groups update ${shell(name)} --insights`
  const enable = useMutation({
    mutationFn: (one: Group) => updateGroup(one.GroupName, one.GroupName === defaultGroup ? null : one.FilterExpression, { InsightsEnabled: true, NotificationsEnabled: one.InsightsConfiguration.NotificationsEnabled }),
    onSuccess: () => {
      toast(`Insights of the group ${name} are enabled. The last 24 hours are judged within a minute.`)
      return groupsChanged()
    },
    onError: (error) => toast(error.message, 'failed'),
  })
  return (
    <Empty
      icon="insights"
      title={chosen ? `Insights of the group ${chosen} are not enabled` : 'Insights are not enabled'}
      actions={
        <>
          {group && (
            <Button look="main" icon={<Icon name="insights" />} isDisabled={enable.isPending || !rights.may.enable} onPress={() => enable.mutate(group)}>
              Enable insights of {name === defaultGroup ? 'all traces' : name}
            </Button>
          )}
          {others > 0 && <Button onPress={() => setGroup(undefined)}>Insights of all groups</Button>}
        </>
      }
    >
      <p>An insight is a time in which services failed, or were slow, clearly more often than they usually do: which ones, since when, how many requests of clients it hit, and which service is the likely reason.</p>
      <p className={css.how}>
        They are enabled by group: here, where{' '}
        <Link to="/groups" className={css.inText}>
          groups
        </Link>{' '}
        are, or with
      </p>
      <div className={css.command}>
        <Code line text={command} label="Copy the command" />
      </div>
      <Missing rights={rights} things="insights" />
      <p>The last 24 hours are judged at once. Until a service had requests in 30 minutes, nobody knows what is usual for it.</p>
    </Empty>
  )
}

/** There is none in this time. */
function None({ watched, range }: { watched: readonly string[]; range: string }) {
  const { setRange } = useScope()
  const now = Math.floor(Date.now() / 3600_000) * 3600 + 3600
  const month = useInsightsOf(watched, { start: now - kept, end: now }, true)
  const newest = chosenInsights(month.data ?? [], {})[0]
  return (
    <Empty
      icon="insights"
      title={`Nothing was out of the usual: ${range.toLowerCase()}`}
      actions={
        newest && (
          <Button look="main" onPress={() => setRange({ kind: 'last', seconds: kept })}>
            The last 30 days
          </Button>
        )
      }
    >
      {month.data ? (
        newest ? (
          <p>
            There {month.data.length === 1 ? 'is one insight' : `are ${plural(month.data.length, 'insight')}`} in the last 30 days. The newest began {ago(newest.StartTime, Date.now() / 1000)}: {kindLabel(kindsOf(newest.Summary)).toLowerCase()} of {newest.RootCauseServiceId.Name}.
          </p>
        ) : (
          <p>Nor was anything in the last 30 days. Until a service had requests in 30 minutes, nobody knows what is usual for it.</p>
        )
      ) : (
        <p>Watched: {watched.join(', ')}.</p>
      )}
    </Empty>
  )
}
