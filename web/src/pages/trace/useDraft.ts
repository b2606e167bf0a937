import { useCallback, useEffect, useRef, useState } from 'react'

/** How long a draft has to rest before it is in the URL, in milliseconds: each change of the URL costs. */
const rest = 250

/**
 * useDraft keeps a text of the URL that changes often: what is set is there at once, and a little later in the URL.
 * Where the URL changes by other ways, as by going back, it wins.
 */
export function useDraft(written: string, write: (text: string) => void): [string, (text: string) => void] {
  // A draft holds as long as the URL has what it began from, or what was written of it.
  const [draft, setDraft] = useState<{ text: string; known: readonly string[] } | null>(null)
  const text = draft?.known.includes(written) ? draft.text : written
  const now = useRef({ written, write })
  useEffect(() => {
    now.current = { written, write }
  })
  const timer = useRef(0)
  useEffect(() => () => clearTimeout(timer.current), [])
  const set = useCallback((next: string) => {
    const { written } = now.current
    setDraft((before) => ({ text: next, known: before?.known.includes(written) ? before.known : [written] }))
    clearTimeout(timer.current)
    timer.current = window.setTimeout(() => {
      setDraft((before) => before && { ...before, known: [...before.known.slice(-8), next] })
      now.current.write(next)
    }, rest)
  }, [])
  return [text, set]
}
