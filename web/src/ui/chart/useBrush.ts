import { useRef, useState, type PointerEvent } from 'react'

/** A chosen part of an axis, from 0 to 1. */
export interface Span {
  from: number
  to: number
}

interface Brush {
  /** What is being chosen while the pointer is down. */
  draft: Span | null
  handlers: {
    onPointerDown: (event: PointerEvent<Element>) => void
    onPointerMove: (event: PointerEvent<Element>) => void
    onPointerUp: (event: PointerEvent<Element>) => void
    onPointerCancel: () => void
  }
}

/**
 * useBrush lets a part of an axis be chosen by dragging over an element that is as
 * wide as the axis. A click, which chooses nothing, calls onChoose with null.
 */
export function useBrush(onChoose: ((span: Span | null) => void) | undefined): Brush {
  const began = useRef<number | null>(null)
  const [draft, setDraft] = useState<Span | null>(null)
  const place = (event: PointerEvent<Element>) => {
    const box = event.currentTarget.getBoundingClientRect()
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width))
  }
  const spanTo = (event: PointerEvent<Element>): Span | null => {
    if (began.current === null) return null
    const at = place(event)
    return { from: Math.min(began.current, at), to: Math.max(began.current, at) }
  }
  return {
    draft,
    handlers: {
      onPointerDown: (event) => {
        if (!onChoose || event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        began.current = place(event)
        setDraft(null)
      },
      onPointerMove: (event) => {
        const span = spanTo(event)
        if (span) setDraft(span)
      },
      onPointerUp: (event) => {
        const span = spanTo(event)
        began.current = null
        setDraft(null)
        if (!span || !onChoose) return
        const wide = (span.to - span.from) * event.currentTarget.getBoundingClientRect().width
        onChoose(wide < 4 ? null : span)
      },
      onPointerCancel: () => {
        began.current = null
        setDraft(null)
      },
    },
  }
}
