import { useRef, useState, type PointerEvent } from 'react'

/** A part of an axis, from 0 to 1. */
export interface Span {
  from: number
  to: number
}

/** What was dragged over: parts of an element from its left and from its top, and how many pixels these are. */
export interface Drag {
  x: Span
  y: Span
  wide: number
  tall: number
}

interface Brush {
  /** What is being dragged over while the pointer is down. */
  draft: Drag | null
  handlers: {
    onPointerDown: (event: PointerEvent<Element>) => void
    onPointerMove: (event: PointerEvent<Element>) => void
    onPointerUp: (event: PointerEvent<Element>) => void
    onPointerCancel: () => void
  }
}

/** placeIn is where in its element an event is, from 0 to 1 both ways. */
export function placeIn(event: PointerEvent<Element>): { x: number; y: number } {
  const box = event.currentTarget.getBoundingClientRect()
  const part = (at: number, size: number) => Math.min(1, Math.max(0, at / Math.max(1, size)))
  return { x: part(event.clientX - box.left, box.width), y: part(event.clientY - box.top, box.height) }
}

/** useBrush hears what is dragged over an element. A click is a drag of no length. */
export function useBrush(onEnd: ((drag: Drag) => void) | undefined): Brush {
  const began = useRef<{ x: number; y: number } | null>(null)
  const [draft, setDraft] = useState<Drag | null>(null)
  const dragTo = (event: PointerEvent<Element>): Drag | null => {
    const from = began.current
    if (!from) return null
    const to = placeIn(event)
    const box = event.currentTarget.getBoundingClientRect()
    const x = { from: Math.min(from.x, to.x), to: Math.max(from.x, to.x) }
    const y = { from: Math.min(from.y, to.y), to: Math.max(from.y, to.y) }
    return { x, y, wide: (x.to - x.from) * box.width, tall: (y.to - y.from) * box.height }
  }
  const end = () => {
    began.current = null
    setDraft(null)
  }
  return {
    draft,
    handlers: {
      onPointerDown: (event) => {
        if (!onEnd || event.button !== 0) return
        event.currentTarget.setPointerCapture(event.pointerId)
        began.current = placeIn(event)
        setDraft(null)
      },
      onPointerMove: (event) => {
        const drag = dragTo(event)
        if (drag) setDraft(drag)
      },
      onPointerUp: (event) => {
        const drag = dragTo(event)
        end()
        if (drag) onEnd?.(drag)
      },
      onPointerCancel: end,
    },
  }
}
