import { useCallback, useEffect, useMemo, useRef } from 'react'
import { clamp, isWhole } from './model/view'
import { parseZoom, printZoom, type View } from './search'
import { useDraft } from './useDraft'

export interface Zoom {
  view: View
  /** The view in which all of the trace is seen. */
  all: View
  setView: (change: View | ((view: View) => View)) => void
}

/** useZoom keeps what part of the time is seen: at once for who looks, and a little later in the URL. */
export function useZoom(all: View, written: string | undefined, write: (zoom: string | undefined) => void): Zoom {
  const [text, setText] = useDraft(written ?? '', (zoom) => write(zoom || undefined))
  const view = useMemo(() => clamp(parseZoom(text) ?? all, all), [text, all])
  const now = useRef({ view, all })
  useEffect(() => {
    now.current = { view, all }
  })
  const setView = useCallback(
    (change: View | ((view: View) => View)) => {
      const next = clamp(typeof change === 'function' ? change(now.current.view) : change, now.current.all)
      // Several events may come before the next render.
      now.current.view = next
      setText(isWhole(next, now.current.all) ? '' : printZoom(next))
    },
    [setText],
  )
  return { view, all, setView }
}
