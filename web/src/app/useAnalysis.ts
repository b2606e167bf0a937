import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { analyse, type Analysis, type AnalysisProgress, type AnalysisQuestion } from '../api/analysis'
import { queries } from './scope'

/** An analysis that may take its time. */
export interface Counting {
  data: Analysis | undefined
  /** The data is of the question before. */
  stale: boolean
  error: Error | null
  running: boolean
  /** It was stopped before there was an answer. */
  stopped: boolean
  /** From 0 to 1; null while nothing is known. */
  done: number | null
  /** Traces looked at, and to look at. */
  progress: AnalysisProgress | null
  stop: () => void
  go: () => void
}

/** useAnalysis asks a question of the console and tells how far the answer is. Leaving it ends it at the server. */
export function useAnalysis(question: AnalysisQuestion, enabled: boolean): Counting {
  const queryKey = ['analysis', question]
  const name = JSON.stringify(queryKey)
  const [progress, setProgress] = useState<{ of: string; now: AnalysisProgress } | null>(null)
  const answer = useQuery({
    queryKey,
    enabled,
    queryFn: ({ signal }) => analyse(question, signal, (now) => setProgress({ of: name, now })),
  })
  const running = answer.isFetching
  const now = running && progress?.of === name ? progress.now : null
  const stopped = enabled && !running && !answer.isError && (answer.isPlaceholderData || answer.data === undefined)
  return {
    data: stopped ? undefined : answer.data,
    stale: answer.isPlaceholderData,
    error: enabled ? answer.error : null,
    running,
    stopped,
    done: now ? (now.Looked + now.Read) / Math.max(1, now.Total + now.ToRead) : null,
    progress: now,
    stop: () => void queries.cancelQueries({ queryKey, exact: true }),
    go: () => void answer.refetch(),
  }
}
