import { useInfiniteQuery } from '@tanstack/react-query'
import { useEffect, useMemo, useState } from 'react'
import { getTraceSummaries, type Window } from '../../api/xray'
import { queries } from '../../app/scope'
import { mostRows, rowOf, searched, unique, type Row, type Searched } from './model'

/** How many traces are read ahead of what is seen. */
const ahead = 60

/** The newest traces that match, page by page as far as they are wanted. */
export interface Newest {
  rows: readonly Row[]
  /** There is an answer, be it to the question before. */
  ready: boolean
  stale: boolean
  error: Error | null
  running: boolean
  stopped: boolean
  /** How far back it has been searched; null before the first answer. */
  reached: Searched | null
  /** Nothing older matches. */
  complete: boolean
  /** The list is as long as it gets. */
  full: boolean
  /** Traces in the time, whether they match or not. */
  total: number | null
  /** Asks for so many rows, and some more. */
  want: (rows: number) => void
  stop: () => void
  go: () => void
}

export function useNewest(window: Window, filter: string, enabled: boolean): Newest {
  const queryKey = ['trace rows', window, filter]
  const name = JSON.stringify(queryKey)
  // A refreshed window is read as far as the one before.
  const [wanted, setWanted] = useState({ of: filter, rows: ahead })
  const [stoppedAt, setStoppedAt] = useState('')
  const pages = useInfiniteQuery({
    queryKey,
    enabled,
    queryFn: async ({ pageParam, signal }) => {
      const page = await getTraceSummaries({ window, filter, token: pageParam }, signal)
      return { rows: page.TraceSummaries.map(rowOf), token: page.NextToken, back: page.ApproximateTime, total: page.TracesProcessedCount }
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.token ?? undefined,
  })
  const data = pages.data?.pages
  const rows = useMemo(() => unique((data ?? []).flatMap((page) => page.rows)), [data])
  const last = data?.at(-1)
  const stopped = stoppedAt === name
  const full = rows.length >= mostRows
  const goal = wanted.of === filter ? wanted.rows : ahead
  const { hasNextPage, isFetching, isPlaceholderData, isError, fetchNextPage } = pages
  const go = enabled && hasNextPage && !isFetching && !isPlaceholderData && !isError && !stopped && !full && rows.length < goal
  useEffect(() => {
    // A page may be short, or empty, and the search not at its end.
    if (go) void fetchNextPage()
  }, [go, fetchNextPage, data])
  return {
    rows,
    ready: data !== undefined && !(stopped && isPlaceholderData),
    stale: isPlaceholderData,
    error: pages.error,
    running: isFetching,
    stopped: stopped && !isFetching,
    reached: last && !isPlaceholderData ? searched(window, last.back, !hasNextPage) : null,
    complete: data !== undefined && !hasNextPage && !isPlaceholderData,
    full,
    total: last && !isPlaceholderData ? last.total : null,
    want: (count) => {
      if (count + ahead > goal) setWanted({ of: filter, rows: count + ahead })
    },
    stop: () => {
      setStoppedAt(name)
      void queries.cancelQueries({ queryKey, exact: true })
    },
    go: () => {
      setStoppedAt('')
      if (data === undefined || isPlaceholderData) void pages.refetch()
      else void fetchNextPage()
    },
  }
}
