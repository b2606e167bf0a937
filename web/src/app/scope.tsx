import { keepPreviousData, QueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { createContext, useContext, useEffect, useMemo, useState, type ReactNode } from 'react'
import { ApiError } from '../api/client'
import type { Window } from '../api/xray'
import { parseRange, parseSpan, printRange, windowOf, type Range } from '../model/time'
import type { Scope } from './search'

/** Everything that is asked of the server is kept here. */
export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A window that has been asked about stays as it was: refreshing asks about another.
      staleTime: Infinity,
      gcTime: 60_000,
      refetchOnWindowFocus: false,
      placeholderData: keepPreviousData,
      // What was asked wrongly stays wrong; a server that is busy, or restarts, may not be so soon.
      retry: (failures, error) => failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      retryDelay: 500,
    },
  },
})

interface ScopeValue {
  range: Range
  /** The range as it was when it was last looked at. */
  window: Window
  group: string | undefined
  /** Seconds between two looks; null: only when asked to. */
  every: number | null
  setRange: (range: Range) => void
  setGroup: (group: string | undefined) => void
  setEvery: (every: string | undefined) => void
  /** Looks again, now. */
  refresh: () => void
}

const ScopeContext = createContext<ScopeValue | null>(null)

/** useScope is what every page is about: a window of time, and a group. */
export function useScope(): ScopeValue {
  const scope = useContext(ScopeContext)
  if (!scope) throw new Error('useScope outside of ScopeProvider')
  return scope
}

/** ScopeProvider reads the scope from the URL and keeps its time. */
export function ScopeProvider({ children }: { children: ReactNode }) {
  const { since, from, to, group, refresh: every }: Scope = useSearch({ strict: false })
  const navigate = useNavigate()
  const range = useMemo(() => parseRange({ since, from, to }), [since, from, to])
  const [looked, setLooked] = useState(() => ({ range, at: Date.now() / 1000, time: 0 }))
  // A new range is looked at now, not when the last one was.
  const now = looked.range === range ? looked : { range, at: Date.now() / 1000, time: looked.time }
  if (now !== looked) setLooked(now)
  const window = useMemo(() => windowOf(range, now.at), [range, now.at])
  const seconds = every && range.kind === 'last' ? parseSpan(every) : null

  const value = useMemo<ScopeValue>(() => {
    const change = (search: Scope) => void navigate({ to: '.', search: (before: object) => ({ ...before, ...search }) })
    return {
      range,
      window,
      group,
      every: seconds,
      setRange: (wanted) => change(printRange(wanted)),
      setGroup: (wanted) => change({ group: wanted }),
      setEvery: (wanted) => change({ refresh: wanted }),
      refresh: () => {
        setLooked({ range, at: Date.now() / 1000, time: now.time + 1 })
        // What does not hang on the window is asked again too.
        void queries.invalidateQueries()
      },
    }
  }, [range, window, group, seconds, navigate, now.time])

  useEffect(() => {
    if (seconds === null) return
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') setLooked((before) => ({ ...before, at: Date.now() / 1000 }))
    }, seconds * 1000)
    return () => clearInterval(timer)
  }, [seconds])

  return <ScopeContext value={value}>{children}</ScopeContext>
}
