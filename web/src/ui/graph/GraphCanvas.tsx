import { memo, useEffect, useImperativeHandle, useMemo, useRef, useState, type KeyboardEvent, type Ref } from 'react'
import { percent } from '../../model/format'
import { nodeKey, reachable, shortType, titleOf, type Graph, type GraphEdge, type GraphNode } from '../../model/graph'
import type { Layout, Point } from '../../model/layout'
import { arcs, noFigures, outcomes, outcomeNames, share, type Figures } from '../../model/outcome'
import { IconButton } from '../Button'
import { Icon } from '../Icon'
import { nodeIconPath } from '../NodeIcon'
import { arcPath, edgeShape, failed, nameBelow, nameBeside, nearest, radius, width, type Disc } from '../../model/draw'
import { Minimap } from './Minimap'
import { usePanZoom } from './usePanZoom'
import css from './graph.module.css'

/** What keys of a page do to the drawing. */
export interface GraphHandle {
  zoomBy: (factor: number) => void
  showAll: () => void
}

/** What is written at nodes and edges, and read aloud. */
export interface GraphWords {
  /** The second line under a node that had requests. */
  node: (node: GraphNode) => string
  /** The same, to be read aloud. */
  spoken: (node: GraphNode) => string
  edge: (figures: Figures) => string
}

interface GraphCanvasProps {
  /** What it is a map of, to be read aloud. */
  label: string
  graph: Graph
  layout: Layout
  words: GraphWords
  node: string | undefined
  edge: string | undefined
  size?: 'traffic' | 'failures' | undefined
  /** Figures on all edges. */
  labels: boolean
  /** Nodes with a mark and what it says, by name and type. */
  marks?: ReadonlyMap<string, string>
  /** Nodes that a search found; null if nobody searches. */
  found: ReadonlySet<string> | null
  /** A node to bring to the middle; each new object does it once. */
  target: { key: string } | null
  onNode: (key: string | undefined) => void
  onEdge: (key: string) => void
  onMove: (key: string, to: Point) => void
  onArrange: () => void
  /** A small map of the whole in a corner. */
  minimap?: boolean
  /** Small nodes with their names beside them, for where there is little room. */
  compact?: boolean
  handle?: Ref<GraphHandle>
}

const noMarks: ReadonlyMap<string, string> = new Map()

/** A graph of services as a drawing. Whoever shows it has another way to all that it says: a table, a list. */
export function GraphCanvas({ label, graph, layout, words, node, edge, size, labels, marks = noMarks, found, target, onNode, onEdge, onMove, onArrange, minimap = true, compact = false, handle }: GraphCanvasProps) {
  const moves = usePanZoom()
  const [hovered, setHovered] = useState<string | null>(null)
  const [moved, setMoved] = useState<{ key: string; at: Point } | null>(null)

  const discs = useMemo(() => {
    const most = graph.nodes.reduce(
      (most, one) => ({ ...most, total: Math.max(most.total, one.figures.total), fault: Math.max(most.fault, failed(one.figures)) }),
      noFigures,
    )
    return new Map(graph.nodes.map((one): [string, Disc] => [one.key, { ...(layout.places.get(one.key) ?? { x: 0, y: 0 }), r: compact ? 13 : radius(one.figures, size, most) }]))
  }, [graph, layout, size, compact])
  const discOf = (key: string): Disc | undefined => {
    const disc = discs.get(key)
    return disc && moved?.key === key ? { ...disc, ...moved.at } : disc
  }
  const busiestEdge = useMemo(() => Math.max(0, ...graph.edges.map((one) => one.figures.total)), [graph])

  // Edges leave behind the name that stands beside a node.
  const names = useMemo(() => new Map(graph.nodes.map((one) => [one.key, cut(titleOf(one), 22)])), [graph])
  const besideWidth = (key: string) => (names.get(key)?.length ?? 0) * 7.3 + 10

  // All of a map is shown when it is first seen, and when it is arranged anew.
  const room = compact ? nameBeside : nameBelow
  const shown = useRef<Layout | null>(null)
  const { showAll, centre } = moves
  const ready = moves.size.width > 0
  useEffect(() => {
    if (!ready) return
    const before = shown.current
    shown.current = layout
    const kept = before && [...before.places].some(([key, at]) => layout.places.get(key) === at)
    if (!kept) showAll(graph.nodes.flatMap((one) => layout.places.get(one.key) ?? []), room)
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

  const all = () => showAll(graph.nodes.flatMap((one) => layout.places.get(one.key) ?? []), room)
  useImperativeHandle(handle, () => ({ zoomBy: moves.zoomBy, showAll: all }))

  // Whoever has a handle has given it keys.
  const shortcut = (key: string) => (handle ? { shortcut: key } : {})

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
      <svg ref={moves.svg} className={css.svg} role="group" aria-label={label} onClick={() => onNode(undefined)}>
        <g ref={moves.world}>
          {graph.edges.map((one) => {
            const from = discOf(one.from)
            const to = discOf(one.to)
            if (!from || !to) return null
            const straight = moved?.key === one.from || moved?.key === one.to
            return (
              <GraphEdgeLine
                key={one.key}
                edge={one}
                fromX={from.x}
                fromY={from.y}
                fromR={from.r + (compact ? besideWidth(one.from) : 0)}
                toX={to.x}
                toY={to.y}
                toR={to.r}
                bends={straight ? undefined : layout.bends.get(one.key)}
                thick={compact ? 1 + width(one.figures.total, busiestEdge) / 4 : width(one.figures.total, busiestEdge)}
                dim={lit !== null && !(lit.has(one.from) && lit.has(one.to))}
                chosen={one.key === edge}
                text={labels || one.key === edge || hovered === one.from || hovered === one.to ? words.edge(one.figures) : null}
                onEdge={onEdge}
              />
            )
          })}
          {graph.nodes.map((one) => {
            const disc = discOf(one.key)
            if (!disc) return null
            const mark = marks.get(nodeKey({ name: one.name, type: one.type }))
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
                  aria-label={mark ? `${describe(one, words)}, ${mark}` : describe(one, words)}
                  onKeyDown={(event) => walk(event, one.key)}
                  onFocus={() => {
                    const { x, y, k } = moves.view.current
                    const at = { x: disc.x * k + x, y: disc.y * k + y }
                    if (at.x < 30 || at.y < 30 || at.x > moves.size.width - 30 || at.y > moves.size.height - 40) centre(disc, 0)
                  }}
                >
                  <NodeShape node={one} r={disc.r} />
                  {mark && <NodeMark r={disc.r} />}
                </g>
                <NodeWords node={one} r={disc.r} beside={compact} second={one.figures.total > 0 ? words.node(one) : shortType(one.type)} />
              </g>
            )
          })}
        </g>
      </svg>
      <div className={minimap ? css.controls : `${css.controls} ${css.inRow}`} role="group" aria-label="View of the map">
        <IconButton label="Zoom in" {...shortcut('+')} icon={<Icon name="plus" />} onPress={() => moves.zoomBy(1.4)} />
        <IconButton label="Zoom out" {...shortcut('-')} icon={<Icon name="minus" />} onPress={() => moves.zoomBy(1 / 1.4)} />
        <IconButton label="Show everything" {...shortcut('0')} icon={<Icon name="fit" />} onPress={all} />
        <IconButton label="Arrange anew" {...shortcut('a')} icon={<Icon name="arrange" />} onPress={onArrange} />
      </div>
      {minimap && <Minimap graph={graph} discs={discs} moves={moves} />}
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
function describe(node: GraphNode, words: GraphWords): string {
  const { figures } = node
  const bad = outcomes.filter((outcome) => outcome !== 'ok' && figures[outcome] > 0).map((outcome) => `${outcomeNames[outcome]} ${percent(share(figures, outcome))}`)
  return [titleOf(node), shortType(node.type), figures.total > 0 ? words.spoken(node) : 'no requests', ...bad].filter(Boolean).join(', ')
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

/** Something is to be said about the node. */
function NodeMark({ r }: { r: number }) {
  return (
    <g transform={`translate(${r * 0.8} ${-r * 0.8})`}>
      <circle className={css.mark} r={8} />
      <path className={css.markSign} d="M0 -4.2V1M0 3.6v.2" />
    </g>
  )
}

/** What is written under a node. The node itself says it to who does not see it. */
const NodeWords = memo(function NodeWords({ node, r, second, beside }: { node: GraphNode; r: number; second: string; beside: boolean }) {
  return (
    <g className={css.words} aria-hidden="true">
      <title>{node.type ? `${node.name} (${node.type})` : node.name}</title>
      <text className={css.name} {...(beside ? { x: r + 7, y: -1, 'data-beside': '' } : { y: r + 16 })}>
        {cut(titleOf(node), beside ? 22 : 24)}
      </text>
      <text className={css.second} {...(beside ? { x: r + 7, y: 12, 'data-beside': '' } : { y: r + 30 })}>
        {second}
      </text>
    </g>
  )
})

/** cut leaves out the middle of a long name, where names differ least. */
function cut(name: string, most: number): string {
  const letters = [...name]
  return letters.length <= most ? name : `${letters.slice(0, Math.ceil(most / 2) - 1).join('')}…${letters.slice(-Math.floor(most / 2)).join('')}`
}

interface GraphEdgeLineProps {
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

const GraphEdgeLine = memo(function GraphEdgeLine({ edge, fromX, fromY, fromR, toX, toY, toR, bends, thick, dim, chosen, text, onEdge }: GraphEdgeLineProps) {
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
