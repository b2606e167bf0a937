import { useEffect, useRef, useState } from 'react'
import { getReceived, serverTime } from '../../api/tail'
import { rowOf, type Row } from './model'
import { noTail, resume, take, type Tail } from './tail'

/** How often it is looked, in milliseconds. */
const every = 1000

/**
 * How much of the time that was looked at before is looked at again, in seconds: a
 * document is stamped a little before it can be read. It also bears with a clock that is
 * known to the second only.
 */
const overlap = 5

/** Pages that are read in one look at most. */
const mostPages = 3

interface Live {
  tail: Tail
  error: Error | null
  /** Shows what came while the list paused. */
  resume: () => void
  /** Traces in the last second that was looked at. */
  rate: number
}

/** useTail looks again and again for what was received. */
export function useTail(filter: string, paused: boolean, enabled: boolean): Live {
  const [tail, setTail] = useState<Tail>(noTail)
  const [error, setError] = useState<Error | null>(null)
  const [rate, setRate] = useState(0)
  const pausing = useRef(paused)
  useEffect(() => {
    pausing.current = paused
  }, [paused])
  useEffect(() => {
    setTail(noTail)
    setError(null)
    if (!enabled) return
    const gone = new AbortController()
    let timer = 0
    let from: number | null = null // by the clock of the server
    let looked = 0
    const look = async () => {
      const asked = performance.now() / 1000
      try {
        const now = from === null ? await serverTime(gone.signal) : from + asked - looked
        // As it begins, what just came is shown too.
        const since = (from ?? now) - overlap
        const rows: Row[] = []
        let token: string | undefined
        for (let page = 0; page < mostPages; page++) {
          const answer = await getReceived({ start: since, end: now + overlap }, filter, token, gone.signal)
          rows.push(...answer.TraceSummaries.map(rowOf))
          token = answer.NextToken ?? undefined
          if (!token) break
        }
        const took = from === null ? overlap : asked - looked
        from = now
        looked = asked
        setError(null)
        setTail((before) => {
          const after = take(before, { rows, more: token !== undefined }, pausing.current)
          if (took > 0) setRate((after.came - before.came) / took)
          return after
        })
      } catch (reason) {
        if (gone.signal.aborted) return
        setError(reason instanceof Error ? reason : new Error(String(reason)))
      }
      if (!gone.signal.aborted) timer = window.setTimeout(() => void look(), every)
    }
    void look()
    return () => {
      gone.abort()
      clearTimeout(timer)
    }
  }, [filter, enabled])
  return { tail, error, rate, resume: () => setTail(resume) }
}
