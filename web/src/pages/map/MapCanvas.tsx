import { memo, useEffect, useMemo, useRef, useState, type KeyboardEvent } from 'react'
import { IconButton } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { nodeIconPath } from '../../ui/NodeIcon'
import { useShortcuts } from '../../app/keys'
import { duration, percent, rate } from '../../model/format'
import { nodeKey, reachable, shortType, titleOf, type Graph, type GraphEdge, type GraphNode } from '../../model/graph'
import type { Layout, Point } from '../../model/layout'
import { arcs, mean, noFigures, outcomes, outcomeNames, share } from '../../model/outcome'
import { arcPath, edgeShape, failed, nearest, radius, width, type Disc } from './draw'
import { Minimap } from './Minimap'
import { usePanZoom } from './usePanZoom'
import type { InsightSummary } from '../../api/insights'
import type { MapSearch } from './search'
import css from './map.module.css'

interface MapCanvasProps {
  graph: Graph
  layout: Layout
  /** seconds that the figures are of */
  seconds: number
  node: string | undefined
  edge: string | undefined
  size: MapSearch['size']
  labels: boolean
  /** Open insights by node, account aside. */
  insights: ReadonlyMap<string, InsightSummary>
  /** Nodes that a search found; null if nobody searches. */
  found: ReadonlySet<string> | null
  /** A node to bring to the middle; each new object does it once. */
  target: { key: string } | null
  onNode: (key: string | undefined) => void
  onEdge: (key: string) => void
  onMove: (key: string, to: Point) => void
  onArrange: () => void
}

/** The map as a drawing. Everything in it can be had from the table too. */
export function MapCanvas({ graph, layout, seconds, node, edge, size, labels, insights, found, target, onNode, onEdge, onMove, onArrange }: MapCanvasProps) {
  const moves = usePanZoom()
  const [hovered, setHovered] = useState<string | null>(null)
  const [moved, setMoved] = useState<{ key: string; at: Point } | null>(null)

  const discs = useMemo(() => {
    const most = graph.nodes.reduce(
      (most, one) => ({ ...most, total: Math.max(most.total, one.figures.total), fault: Math.max(most.fault, failed(one.figures)) }),
      noFigures,
    )
    return new Map(graph.nodes.map((one): [string, Disc] => [one.key, { ...(layout.places.get(one.key) ?? { x: 0, y: 0 }), r: radius(one.figures, size, most) }]))
  }, [graph, layout, size])
  const discOf = (key: string): Disc | undefined => {
    const disc = discs.get(key)
    return disc && moved?.key === key ? { ...disc, ...moved.at } : disc
  }
  const busiestEdge = useMemo(() => Math.max(0, ...graph.edges.map((one) => one.figures.total)), [graph])

  // All of a map is shown when it is first seen, and when it is arranged anew.
  const shown = useRef<Layout | null>(null)
  const { showAll, centre } = moves
  const ready = moves.size.width > 0
  useEffect(() => {
    if (!ready) return
    const before = shown.current
    shown.current = layout
    const kept = before && [...before.places].some(([key, at]) => layout.places.get(key) === at)
    if (!kept) showAll(graph.nodes.flatMap((one) => layout.places.get(one.key) ?? []))
    // Only another layout, or the first size, is a reason to move the view.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [layout, ready])
  useEffect(() => {
    const at = target && layout.places.get(target.key)
    if (at) centre(at)
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [target])

  const lit = useMemo(() => {
    const from = hovered ?? node
    if (found) return found
    if (from && discs.has(from)) return new Set([...reachable(graph, from, 'up'), ...reachable(graph, from, 'down')])
    const chosen = edge ? graph.edges.find((one) => one.key === edge) : undefined
    return chosen ? new Set([...reachable(graph, chosen.from, 'up'), ...reachable(graph, chosen.to, 'down')]) : null
  }, [graph, discs, hovered, node, edge, found])

  const all = () => showAll(graph.nodes.flatMap((one) => layout.places.get(one.key) ?? []))
  useShortcuts('Trace map', [
    { keys: '+', does: 'Zoom in', run: () => moves.zoomBy(1.4) },
    { keys: '-', does: 'Zoom out', run: () => moves.zoomBy(1 / 1.4) },
    { keys: '0', does: 'Show everything', run: all },
    { keys: 'a', does: 'Arrange anew', run: onArrange },
    { keys: 'Escape', does: 'Choose nothing', run: () => onNode(undefined) },
  ])

  // One node is in the order of tabs; arrows go on from it.
  const stop = node && discs.has(node) ? node : graph.nodes[0]?.key
  const walk = (event: KeyboardEvent<SVGGElement>, key: string) => {
    const direction = ({ ArrowLeft: 'left', ArrowRight: 'right', ArrowUp: 'up', ArrowDown: 'down' } as const)[event.key as 'ArrowLeft']
    if (direction) {
      event.preventDefault()
      const next = nearest(layout.places, key, direction)
      const element = next !== null && moves.world.current?.querySelector<SVGGElement>(`[data-node="${CSS.escape(next)}"] > [role=button]`)
      if (element) element.focus()
    } else if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault()
      onNode(key)
    }
  }

  return (
    <div className={css.canvas}>
      <svg ref={moves.svg} className={css.svg} role="group" aria-label={`Map of ${graph.nodes.length} services and ${graph.edges.length} connections`} onClick={() => onNode(undefined)}>
        <g ref={moves.world}>
          {graph.edges.map((one) => {
            const from = discOf(one.from)
            const to = discOf(one.to)
            if (!from || !to) return null
            const straight = moved?.key === one.from || moved?.key === one.to
            return (
              <MapEdge
                key={one.key}
                edge={one}
                fromX={from.x}
                fromY={from.y}
                fromR={from.r}
                toX={to.x}
                toY={to.y}
                toR={to.r}
                bends={straight ? undefined : layout.bends.get(one.key)}
                thick={width(one.figures.total, busiestEdge)}
                dim={lit !== null && !(lit.has(one.from) && lit.has(one.to))}
                chosen={one.key === edge}
                text={labels || one.key === edge || hovered === one.from || hovered === one.to ? `${duration(mean(one.figures))} · ${rate(one.figures.total, seconds)}` : null}
                onEdge={onEdge}
              />
            )
          })}
          {graph.nodes.map((one) => {
            const disc = discOf(one.key)
            if (!disc) return null
            const insight = insights.get(nodeKey({ name: one.name, type: one.type }))
            return (
              <g
                key={one.key}
                data-node={one.key}
                className={`${css.node} ${lit && !lit.has(one.key) ? css.dim : ''} ${one.key === node ? css.chosen : ''}`}
                transform={`translate(${disc.x} ${disc.y})`}
                onClick={(event) => {
                  event.stopPropagation()
                  onNode(one.key)
                }}
                onPointerEnter={() => setHovered(one.key)}
                onPointerLeave={() => setHovered(null)}
                onPointerDown={(event) => drag(event, disc, moves.view.current.k, (at, done) => {
                  setMoved(done ? null : { key: one.key, at })
                  if (done) onMove(one.key, at)
                })}
              >
                <g
                  className={css.control}
                  tabIndex={one.key === stop ? 0 : -1}
                  role="button"
                  aria-pressed={one.key === node}
                  aria-label={insight ? `${describe(one, seconds)}, insight: ${insight.Summary}` : describe(one, seconds)}
                  onKeyDown={(event) => walk(event, one.key)}
                  onFocus={() => {
                    const { x, y, k } = moves.view.current
                    const at = { x: disc.x * k + x, y: disc.y * k + y }
                    if (at.x < 30 || at.y < 30 || at.x > moves.size.width - 30 || at.y > moves.size.height - 40) centre(disc, 0)
                  }}
                >
                  <NodeShape node={one} r={disc.r} />
                  {insight && <InsightMark r={disc.r} />}
                </g>
                <NodeWords node={one} r={disc.r} seconds={seconds} />
              </g>
            )
          })}
        </g>
      </svg>
      <div className={css.controls} role="group" aria-label="View">
        <IconButton label="Zoom in" shortcut="+" icon={<Icon name="plus" />} onPress={() => moves.zoomBy(1.4)} />
        <IconButton label="Zoom out" shortcut="-" icon={<Icon name="minus" />} onPress={() => moves.zoomBy(1 / 1.4)} />
        <IconButton label="Show everything" shortcut="0" icon={<Icon name="fit" />} onPress={all} />
        <IconButton label="Arrange anew" shortcut="a" icon={<Icon name="arrange" />} onPress={onArrange} />
      </div>
      <Minimap graph={graph} discs={discs} moves={moves} />
    </div>
  )
}

/** drag follows the pointer from where it went down on a node. A move of some pixels is a drag; less is a click. */
function drag(event: React.PointerEvent<SVGGElement>, from: Point, k: number, onDrag: (at: Point, done: boolean) => void) {
  if (event.button !== 0 || event.pointerType === 'touch') return
  event.stopPropagation()
  const element = event.currentTarget
  const { clientX, clientY, pointerId } = event
  let dragged = false
  const at = (now: PointerEvent): Point => ({ x: from.x + (now.clientX - clientX) / k, y: from.y + (now.clientY - clientY) / k })
  const move = (now: PointerEvent) => {
    if (!dragged && Math.hypot(now.clientX - clientX, now.clientY - clientY) < 4) return
    if (!dragged) element.setPointerCapture(pointerId)
    dragged = true
    onDrag(at(now), false)
  }
  const up = (now: PointerEvent) => {
    element.removeEventListener('pointermove', move)
    element.removeEventListener('pointerup', up)
    element.removeEventListener('pointercancel', up)
    if (!dragged) return
    onDrag(at(now), true)
    // The click that follows a drag chooses nothing.
    element.addEventListener('click', (click) => click.stopPropagation(), { once: true, capture: true })
  }
  element.addEventListener('pointermove', move)
  element.addEventListener('pointerup', up)
  element.addEventListener('pointercancel', up)
}

/** describe is a node in words. */
function describe(node: GraphNode, seconds: number): string {
  const { figures } = node
  const bad = outcomes.filter((outcome) => outcome !== 'ok' && figures[outcome] > 0).map((outcome) => `${outcomeNames[outcome]} ${percent(share(figures, outcome))}`)
  return [titleOf(node), shortType(node.type), figures.total > 0 ? `${duration(mean(figures))} on average, ${rate(figures.total, seconds)}` : 'no requests', ...bad].filter(Boolean).join(', ')
}

const NodeShape = memo(function NodeShape({ node, r }: { node: GraphNode; r: number }) {
  const { figures } = node
  const icon = r * 0.92
  return (
    <>
      <circle className={css.halo} r={r + 5} />
      <circle className={css.disc} r={r} />
      {figures.total === 0 ? <circle className={css.none} r={r - 2} /> : arcs(figures).map((arc) => <path key={arc.outcome} className={css[arc.outcome]} d={arcPath(r - 2, arc.from, arc.to)} />)}
      <path className={css.icon} d={nodeIconPath(node.kind)} transform={`translate(${-icon / 2} ${-icon / 2}) scale(${icon / 24})`} />
    </>
  )
})

/** An insight is open that is about the node. */
function InsightMark({ r }: { r: number }) {
  return (
    <g transform={`translate(${r * 0.8} ${-r * 0.8})`}>
      <circle className={css.insight} r={8} />
      <path className={css.insightSign} d="M0 -4.2V1M0 3.6v.2" />
    </g>
  )
}

/** What is written under a node. The node itself says it to who does not see it. */
const NodeWords = memo(function NodeWords({ node, r, seconds }: { node: GraphNode; r: number; seconds: number }) {
  return (
    <g className={css.words} aria-hidden="true">
      <title>{node.type ? `${node.name} (${node.type})` : node.name}</title>
      <text className={css.name} y={r + 16}>
        {cut(titleOf(node), 24)}
      </text>
      <text className={css.second} y={r + 30}>
        {node.figures.total > 0 ? `${duration(mean(node.figures))} · ${rate(node.figures.total, seconds)}` : shortType(node.type)}
      </text>
    </g>
  )
})

/** cut leaves out the middle of a long name, where names differ least. */
function cut(name: string, most: number): string {
  const letters = [...name]
  return letters.length <= most ? name : `${letters.slice(0, Math.ceil(most / 2) - 1).join('')}…${letters.slice(-Math.floor(most / 2)).join('')}`
}

interface MapEdgeProps {
  edge: GraphEdge
  fromX: number
  fromY: number
  fromR: number
  toX: number
  toY: number
  toR: number
  bends: readonly Point[] | undefined
  thick: number
  dim: boolean
  chosen: boolean
  text: string | null
  onEdge: (key: string) => void
}

const MapEdge = memo(function MapEdge({ edge, fromX, fromY, fromR, toX, toY, toR, bends, thick, dim, chosen, text, onEdge }: MapEdgeProps) {
  const from = { x: fromX, y: fromY, r: fromR }
  const { path, tip, middle } = edgeShape(from, edge.from === edge.to ? from : { x: toX, y: toY, r: toR }, bends)
  const bad = share(edge.figures, 'fault') >= 0.01 ? css.faulty : share(edge.figures, 'throttle') >= 0.01 ? css.throttled : share(edge.figures, 'error') >= 0.05 ? css.erring : ''
  const head = 4 + thick
  return (
    <g
      className={`${css.edge} ${bad} ${dim ? css.dim : ''} ${chosen ? css.chosen : ''}`}
      onClick={(event) => {
        event.stopPropagation()
        onEdge(edge.key)
      }}
    >
      <path className={css.wide} d={path} />
      <path className={css.line} d={path} strokeWidth={thick} />
      <path className={css.head} d={`M${tip.x} ${tip.y}l${-head * 1.5} ${-head * 0.75}v${head * 1.5}z`} />
      {text && (
        <g className={css.words} aria-hidden="true">
          <text className={css.edgeText} x={middle.x} y={middle.y - thick / 2 - 4}>
            {text}
          </text>
        </g>
      )}
    </g>
  )
})
