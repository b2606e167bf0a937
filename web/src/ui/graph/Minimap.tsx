import { useEffect, useRef, type PointerEvent } from 'react'
import { worst } from '../../model/outcome'
import type { Graph } from '../../model/graph'
import { boxOf, type Disc, type View } from '../../model/draw'
import type { PanZoom } from './usePanZoom'
import css from './graph.module.css'

const size = { width: 168, height: 112 }

/** The whole map, small, with what is seen of it. It is for the pointer: keys have others ways. */
export function Minimap({ graph, discs, moves }: { graph: Graph; discs: ReadonlyMap<string, Disc>; moves: PanZoom }) {
  const frame = useRef<SVGRectElement>(null)
  const box = boxOf(discs.values())
  const k = box ? Math.min(size.width / (box.right - box.left), size.height / (box.bottom - box.top)) : 1
  const left = box ? (size.width - (box.right - box.left) * k) / 2 - box.left * k : 0
  const top = box ? (size.height - (box.bottom - box.top) * k) / 2 - box.top * k : 0
  const { subscribe, view, size: screen, setView } = moves

  useEffect(() => {
    const draw = (now: View) => {
      const element = frame.current
      if (!element) return
      element.setAttribute('x', String((-now.x / now.k) * k + left))
      element.setAttribute('y', String((-now.y / now.k) * k + top))
      element.setAttribute('width', String((screen.width / now.k) * k))
      element.setAttribute('height', String((screen.height / now.k) * k))
    }
    draw(view.current)
    return subscribe(draw)
  }, [subscribe, view, screen, k, left, top])

  const go = (event: PointerEvent<SVGSVGElement>) => {
    if (event.buttons === 0) return
    const at = event.currentTarget.getBoundingClientRect()
    const x = (event.clientX - at.left - left) / k
    const y = (event.clientY - at.top - top) / k
    const now = view.current
    setView({ k: now.k, x: screen.width / 2 - x * now.k, y: screen.height / 2 - y * now.k })
  }
  return (
    <svg
      className={css.minimap}
      width={size.width}
      height={size.height}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId)
        go(event)
      }}
      onPointerMove={go}
    >
      {graph.nodes.map((node) => {
        const disc = discs.get(node.key)
        return disc && <circle key={node.key} className={css[worst(node.figures) ?? 'none']} cx={disc.x * k + left} cy={disc.y * k + top} r={Math.max(1.6, Math.min(4, 24 * k))} />
      })}
      <rect ref={frame} className={css.frame} rx={2} />
    </svg>
  )
}
