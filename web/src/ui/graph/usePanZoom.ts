import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from 'react'
import { boxOf, fit, zoom, type Box, type View } from '../../model/draw'
import type { Point } from '../../model/layout'

export interface PanZoom {
  svg: RefObject<SVGSVGElement | null>
  world: RefObject<SVGGElement | null>
  /** The view now; it changes without a render. */
  view: RefObject<View>
  size: { width: number; height: number }
  /** Calls back whenever the view changes. */
  subscribe: (heard: (view: View) => void) => () => void
  zoomBy: (factor: number) => void
  panBy: (x: number, y: number) => void
  /** Shows all of the places. */
  showAll: (places: Iterable<Point>, room?: Box) => void
  /** Brings a place to the middle. */
  centre: (at: Point, least?: number) => void
  setView: (view: View, smooth?: boolean) => void
}

/** Views in which names could not be read are drawn without them. */
const legible = 0.42

/**
 * usePanZoom moves the world by dragging, the wheel and two fingers. The view is set on
 * the elements directly: moving renders nothing anew.
 */
export function usePanZoom(): PanZoom {
  const svg = useRef<SVGSVGElement>(null)
  const world = useRef<SVGGElement>(null)
  const view = useRef<View>({ x: 0, y: 0, k: 1 })
  const heard = useRef(new Set<(view: View) => void>())
  const frame = useRef(0)
  const [size, setSize] = useState({ width: 0, height: 0 })

  const apply = useCallback((next: View) => {
    view.current = next
    world.current?.setAttribute('transform', `translate(${next.x.toFixed(2)} ${next.y.toFixed(2)}) scale(${next.k.toFixed(4)})`)
    svg.current?.toggleAttribute('data-far', next.k < legible)
    for (const listener of heard.current) listener(next)
  }, [])

  const setView = useCallback(
    (next: View, smooth = false) => {
      cancelAnimationFrame(frame.current)
      if (!smooth || matchMedia('(prefers-reduced-motion: reduce)').matches) return apply(next)
      const from = view.current
      const began = performance.now()
      const step = (now: number) => {
        const t = Math.min(1, (now - began) / 220)
        const eased = 1 - (1 - t) ** 3
        const k = from.k * (next.k / from.k) ** eased
        apply({ k, x: from.x + (next.x - from.x) * eased, y: from.y + (next.y - from.y) * eased })
        if (t < 1) frame.current = requestAnimationFrame(step)
        else apply(next)
      }
      frame.current = requestAnimationFrame(step)
    },
    [apply],
  )

  useLayoutEffect(() => {
    const element = svg.current
    if (!element) return
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight })
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])

  useEffect(() => {
    const element = svg.current
    if (!element) return
    const pointers = new Map<number, Point>()
    const here = (event: MouseEvent): Point => {
      const box = element.getBoundingClientRect()
      return { x: event.clientX - box.left, y: event.clientY - box.top }
    }
    const wheel = (event: WheelEvent) => {
      event.preventDefault()
      const speed = event.ctrlKey ? 0.01 : 0.0016
      setView(zoom(view.current, Math.exp(-Math.max(-200, Math.min(200, event.deltaY)) * speed), here(event)))
    }
    const down = (event: PointerEvent) => {
      if (event.button !== 0) return
      pointers.set(event.pointerId, here(event))
    }
    const move = (event: PointerEvent) => {
      const before = pointers.get(event.pointerId)
      if (!before || event.buttons === 0) return void pointers.delete(event.pointerId)
      const now = here(event)
      if (pointers.size === 1) {
        if (!element.hasPointerCapture(event.pointerId)) {
          if (Math.hypot(now.x - before.x, now.y - before.y) < 3) return // still a click
          element.setPointerCapture(event.pointerId)
        }
        setView({ ...view.current, x: view.current.x + now.x - before.x, y: view.current.y + now.y - before.y })
      } else {
        const other = [...pointers].find(([id]) => id !== event.pointerId)![1]
        const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y))
        setView(zoom(view.current, factor, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }))
      }
      pointers.set(event.pointerId, now)
    }
    const up = (event: PointerEvent) => void pointers.delete(event.pointerId)
    element.addEventListener('wheel', wheel, { passive: false })
    element.addEventListener('pointerdown', down)
    element.addEventListener('pointermove', move)
    element.addEventListener('pointerup', up)
    element.addEventListener('pointercancel', up)
    return () => {
      element.removeEventListener('wheel', wheel)
      element.removeEventListener('pointerdown', down)
      element.removeEventListener('pointermove', move)
      element.removeEventListener('pointerup', up)
      element.removeEventListener('pointercancel', up)
      cancelAnimationFrame(frame.current)
    }
  }, [setView])

  const { width, height } = size
  const subscribe = useCallback((listener: (view: View) => void) => {
    heard.current.add(listener)
    return () => void heard.current.delete(listener)
  }, [])
  const zoomBy = useCallback((factor: number) => setView(zoom(view.current, factor, { x: width / 2, y: height / 2 }), true), [setView, width, height])
  const panBy = useCallback((x: number, y: number) => setView({ ...view.current, x: view.current.x + x, y: view.current.y + y }, true), [setView])
  const showAll = useCallback(
    (places: Iterable<Point>, room?: Box) => {
      const box = boxOf(places, room)
      if (box && width > 0) setView(fit(box, width, height))
    },
    [setView, width, height],
  )
  const centre = useCallback(
    (at: Point, least = 0.7) => {
      const k = Math.max(least, view.current.k)
      setView({ k, x: width / 2 - at.x * k, y: height / 2 - at.y * k }, true)
    },
    [setView, width, height],
  )
  return { svg, world, view, size, subscribe, zoomBy, panBy, showAll, centre, setView }
}
