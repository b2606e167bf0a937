import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { useState } from 'react'
import { getTraces, type TraceDocuments } from '../../api/traces'
import { isLively } from './model/looks'
import { treeOf, type Trace } from './model/tree'

/** How often a trace is read again while more of it may come, in milliseconds. */
const every = 2500
/** How often a trace that is not there is looked for, and for how long. */
const hope = { every: 1500, long: 60_000 }

export interface TraceQuery {
  answer: UseQueryResult<TraceDocuments | null>
  /** null: the server knows none, or has not answered yet. */
  trace: Trace | null
  /** Whether it is read again by itself. */
  lively: boolean
  /** Until when a trace that is not there is looked for, in milliseconds since 1970. */
  until: number
  /** Looks for it once more. */
  lookAgain: () => void
}

/** useTrace reads a trace. While it may grow, or come, it is read again. */
export function useTrace(id: string | null): TraceQuery {
  const [hoped, setHoped] = useState({ id, until: Date.now() + hope.long })
  const now = hoped.id === id ? hoped : { id, until: Date.now() + hope.long }
  if (now !== hoped) setHoped(now)
  const answer = useQuery({
    queryKey: ['trace', id, 'documents'],
    queryFn: async ({ signal }) => (await getTraces([id!], signal))[0] ?? null,
    enabled: id !== null,
    staleTime: 5000,
    // Another trace says nothing about this one.
    placeholderData: () => undefined,
    // Documents are texts: to compare them as such is enough, and quick.
    structuralSharing: (before, after) => (same(before as TraceDocuments | null | undefined, after as TraceDocuments | null) ? before : after),
    refetchInterval: ({ state: { data } }) => {
      if (data === undefined) return false
      if (data === null) return Date.now() < now.until ? hope.every : false
      return isLively(tree(data), Date.now() / 1000) ? every : false
    },
  })
  const trace = answer.data ? tree(answer.data) : null
  return {
    answer,
    trace,
    lively: trace !== null && isLively(trace, answer.dataUpdatedAt / 1000),
    until: now.until,
    lookAgain: () => {
      setHoped({ id, until: Date.now() + hope.long })
      void answer.refetch()
    },
  }
}

const trees = new WeakMap<TraceDocuments, Trace>()

/** tree is made once of each answer. */
function tree(documents: TraceDocuments): Trace {
  let known = trees.get(documents)
  if (!known) {
    known = treeOf(documents)
    trees.set(documents, known)
  }
  return known
}

function same(before: TraceDocuments | null | undefined, after: TraceDocuments | null): boolean {
  if (!before || !after) return before === after
  if (before.Segments.length !== after.Segments.length || before.LimitExceeded !== after.LimitExceeded) return false
  const texts = new Map(before.Segments.map((segment) => [segment.Id, segment.Document]))
  return after.Segments.every((segment) => texts.get(segment.Id) === segment.Document)
}
