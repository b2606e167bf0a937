import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { getTraceSummaries, type TraceSummary } from '../../api/xray'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { useScope } from '../../app/scope'
import { FilterEditor, type EditorHandle } from '../../editor/FilterEditor'
import { and, quote } from '../../model/filter'
import { count, duration, plural } from '../../model/format'
import { moment } from '../../model/time'
import { Button } from '../../ui/Button'
import { OutcomeBadge } from '../../ui/Outcomes'
import { Empty, Failed, Loading } from '../../ui/State'
import { Table, type Column } from '../../ui/Table'
import css from './traces.module.css'

const route = getRouteApi('/traces')

export function TracesPage() {
  const { filter = '' } = route.useSearch()
  const navigate = route.useNavigate()
  const { window, group } = useScope()
  const [draft, setDraft] = useState({ of: filter, text: filter })
  const written = draft.of === filter ? draft.text : filter
  const editor = useRef<EditorHandle>(null)
  const search = (text: string) => void navigate({ search: (before) => ({ ...before, filter: text.trim() || undefined }) })
  useShortcuts('Traces', [{ keys: '/', does: 'Edit the filter', run: () => editor.current?.focus() }])
  const asked = and(group ? `group.name = ${quote(group)}` : '', filter)
  const pages = useInfiniteQuery({
    queryKey: ['traces', window, asked],
    queryFn: ({ pageParam, signal }) => getTraceSummaries({ window, filter: asked, token: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.NextToken ?? undefined,
  })
  const traces = pages.data?.pages.flatMap((page) => page.TraceSummaries) ?? []
  return (
    <Page title="Traces" scoped fills>
      <form
        className={css.bar}
        onSubmit={(event) => {
          event.preventDefault()
          search(written)
        }}
      >
        <FilterEditor label="Filter expression" hint={'All traces. Try: service("shop") { fault }'} value={written} onChange={(text) => setDraft({ of: filter, text })} onEnter={search} window={window} handle={editor} />
        <Button type="submit" look="main">
          Search
        </Button>
      </form>
      {pages.isError ? (
        <Failed what="The search failed" error={pages.error} retry={() => void pages.refetch()} />
      ) : !pages.data ? (
        <Loading what="Searching" />
      ) : traces.length === 0 ? (
        <Empty title="No trace matches in this time">Try a longer time, or leave out a condition.</Empty>
      ) : (
        <div className={css.list}>
          <Table label="Traces" columns={columns} rows={traces} rowKey={(trace) => trace.Id} />
          <p className={css.foot}>
            {plural(traces.length, 'trace')}, of {count(pages.data.pages.reduce((sum, page) => sum + page.TracesProcessedCount, 0))} looked at.{' '}
            {pages.hasNextPage && (
              <Button onPress={() => void pages.fetchNextPage()} isDisabled={pages.isFetchingNextPage}>
                More
              </Button>
            )}
          </p>
        </div>
      )}
    </Page>
  )
}

const columns: Column<TraceSummary>[] = [
  { id: 'start', head: 'Start', names: true, sort: (trace) => trace.StartTime, cell: (trace) => moment(trace.StartTime) },
  {
    id: 'outcome',
    head: 'Outcome',
    cell: (trace) => <OutcomeBadge outcome={trace.HasFault ? 'fault' : trace.HasThrottle ? 'throttle' : trace.HasError ? 'error' : 'ok'} />,
  },
  { id: 'method', head: 'Method', cell: (trace) => trace.Http.HttpMethod ?? '' },
  { id: 'url', head: 'URL', cell: (trace) => trace.Http.HttpURL ?? trace.EntryPoint?.Name ?? '' },
  { id: 'status', head: 'Status', figures: true, sort: (trace) => trace.Http.HttpStatus ?? 0, cell: (trace) => trace.Http.HttpStatus ?? '' },
  { id: 'time', head: 'Response time', figures: true, sort: (trace) => trace.ResponseTime ?? -1, cell: (trace) => duration(trace.ResponseTime) },
  { id: 'services', head: 'Services', figures: true, sort: (trace) => trace.ServiceIds.length, cell: (trace) => trace.ServiceIds.length },
  { id: 'id', head: 'Trace', cell: (trace) => <code>{trace.Id}</code> },
]
