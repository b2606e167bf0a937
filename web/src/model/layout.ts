/**
 * Where the nodes of a map go: in columns from callers to callees, with few
 * crossings, and where they were before.
 *
 * A fresh layout is that of Sugiyama, Tagawa and Toda: edges of cycles are turned,
 * each node goes into the column behind its last caller, long edges get a place in
 * the columns they cross, columns are put in the order in which the fewest edges
 * cross, and last everything moves up and down towards its neighbours as far as the
 * order and the distances let it. Equal graphs have equal layouts.
 *
 * Where nodes have places already they keep them, and only new ones look for a free
 * place near their neighbours: nothing jumps when a map is refreshed.
 */
export interface Layout {
  places: ReadonlyMap<string, Point>
  /** By edge: the points between its ends, if it does not go straight. */
  bends: ReadonlyMap<string, readonly Point[]>
}

export interface Point {
  x: number
  y: number
}

interface Ends {
  key: string
  from: string
  to: string
}

export interface LayoutInput {
  /** The keys of the nodes. */
  nodes: readonly string[]
  edges: readonly Ends[]
}

export interface Spacing {
  /** between columns */
  column: number
  /** between nodes of a column */
  row: number
}

export const mapSpacing: Spacing = { column: 216, row: 96 }

/** place lays a graph out, keeping what `before` placed. */
export function place(input: LayoutInput, before: Layout | null, spacing: Spacing = mapSpacing): Layout {
  const known = before ? input.nodes.filter((node) => before.places.has(node)) : []
  if (!before || known.length * 2 < input.nodes.length) return layOut(input, spacing)
  if (known.length === input.nodes.length) return before
  return insert(input, before, spacing)
}

/** insert finds free places for the nodes that have none. */
function insert(input: LayoutInput, before: Layout, spacing: Spacing): Layout {
  const places = new Map(before.places)
  const missing = new Set(input.nodes.filter((node) => !places.has(node)).sort())
  const taken = [...places.values()]
  const isFree = (at: Point) => taken.every((other) => Math.abs(other.x - at.x) > spacing.column * 0.6 || Math.abs(other.y - at.y) > spacing.row * 0.85)
  const put = (node: string, wanted: Point) => {
    let at = wanted
    for (let step = 1; !isFree(at); step++) at = { x: wanted.x, y: wanted.y + (step % 2 === 1 ? 1 : -1) * Math.ceil(step / 2) * (spacing.row / 2) }
    places.set(node, at)
    taken.push(at)
    missing.delete(node)
  }
  for (let moved = true; moved && missing.size > 0; ) {
    moved = false
    for (const node of missing) {
      const callers = input.edges.filter((edge) => edge.to === node && edge.from !== node).flatMap((edge) => places.get(edge.from) ?? [])
      const callees = input.edges.filter((edge) => edge.from === node && edge.to !== node).flatMap((edge) => places.get(edge.to) ?? [])
      if (callers.length > 0) put(node, { x: Math.max(...callers.map((at) => at.x)) + spacing.column, y: mean(callers.map((at) => at.y)) })
      else if (callees.length > 0) put(node, { x: Math.min(...callees.map((at) => at.x)) - spacing.column, y: mean(callees.map((at) => at.y)) })
      else continue
      moved = true
    }
  }
  const below = Math.max(0, ...taken.map((at) => at.y)) + spacing.row
  for (const node of missing) put(node, { x: 0, y: below })
  return { places, bends: before.bends }
}

/** A place in a column: of a node, or of an edge that crosses the column. */
interface Slot {
  node: number // -1: of an edge
  up: number[] // slots in the column before
  down: number[] // slots in the column behind
  far: number[] // slots in other columns, to which it goes straight
  x: number
  y: number
}

function layOut(input: LayoutInput, spacing: Spacing): Layout {
  const names = [...input.nodes].sort()
  const index = new Map(names.map((name, i) => [name, i]))
  const ends = new Map<string, { from: number; to: number; keys: string[] }>() // by both ends, each pair once
  for (const edge of [...input.edges].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const from = index.get(edge.from)
    const to = index.get(edge.to)
    if (from === undefined || to === undefined || from === to) continue
    const pair = ends.get(`${from},${to}`)
    if (pair) pair.keys.push(edge.key)
    else ends.set(`${from},${to}`, { from, to, keys: [edge.key] })
  }
  const out: number[][] = names.map(() => [])
  const into: number[][] = names.map(() => [])
  for (const { from, to } of ends.values()) {
    out[from]!.push(to)
    into[to]!.push(from)
  }
  const column = columns(out, into)
  const places = new Map<string, Point>()
  const bends = new Map<string, Point[]>()
  let top = 0
  for (const members of components(out, into)) {
    const inside = new Set(members)
    const edges = [...ends.values()].filter((pair) => inside.has(pair.from))
    const drawn = drawComponent(members, edges, column, spacing)
    const highest = Math.min(...drawn.slots.filter((slot) => slot.node >= 0).map((slot) => slot.y))
    let lowest = top
    for (const slot of drawn.slots) {
      if (slot.node < 0) continue
      const at = { x: slot.x, y: slot.y - highest + top }
      places.set(names[slot.node]!, at)
      lowest = Math.max(lowest, at.y)
    }
    for (const [pair, chain] of drawn.chains) {
      const points = chain.map((slot) => ({ x: drawn.slots[slot]!.x, y: drawn.slots[slot]!.y - highest + top }))
      if (column[pair.from]! > column[pair.to]!) points.reverse()
      for (const key of pair.keys) bends.set(key, points)
    }
    top = lowest + spacing.row * 1.3
  }
  return { places, bends }
}

/** components lists the parts that hang together, the largest first. */
function components(out: number[][], into: number[][]): number[][] {
  const seen = new Set<number>()
  const parts: number[][] = []
  for (let start = 0; start < out.length; start++) {
    if (seen.has(start)) continue
    const part: number[] = []
    const waiting = [start]
    seen.add(start)
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      part.push(at)
      for (const next of [...out[at]!, ...into[at]!]) {
        if (!seen.has(next)) {
          seen.add(next)
          waiting.push(next)
        }
      }
    }
    parts.push(part.sort((a, b) => a - b))
  }
  return parts.sort((a, b) => b.length - a.length || a[0]! - b[0]!)
}

/** columns gives each node the column behind the last of its callers. */
function columns(out: number[][], into: number[][]): number[] {
  // A walk in depth turns the edges that close cycles. It begins where nobody calls.
  const back = new Set<string>()
  const state = out.map(() => 0) // 0 new, 1 on the way, 2 done
  const order: number[] = []
  const starts = out.map((_, i) => i).sort((a, b) => Math.min(into[a]!.length, 1) - Math.min(into[b]!.length, 1) || out[b]!.length - out[a]!.length || a - b)
  for (const start of starts) {
    if (state[start] !== 0) continue
    const walk: { node: number; next: number }[] = [{ node: start, next: 0 }]
    state[start] = 1
    while (walk.length > 0) {
      const at = walk[walk.length - 1]!
      const to = out[at.node]![at.next++]
      if (to === undefined) {
        state[at.node] = 2
        order.push(at.node)
        walk.pop()
      } else if (state[to] === 1) back.add(`${at.node},${to}`)
      else if (state[to] === 0) {
        state[to] = 1
        walk.push({ node: to, next: 0 })
      }
    }
  }
  const column = out.map(() => 0)
  for (const node of order.reverse()) {
    for (const to of out[node]!) if (!back.has(`${node},${to}`)) column[to] = Math.max(column[to]!, column[node]! + 1)
  }
  // Whom nobody calls stands right before the first that it calls.
  for (const [node, callees] of out.entries()) {
    if (into[node]!.length === 0 && callees.length > 0) column[node] = Math.min(...callees.map((to) => column[to]!)) - 1
  }
  return column
}

interface Pair {
  from: number
  to: number
  keys: string[]
}

function drawComponent(members: number[], edges: Pair[], column: number[], spacing: Spacing) {
  const first = Math.min(...members.map((node) => column[node]!))
  const last = Math.max(...members.map((node) => column[node]!))
  const slots: Slot[] = members.map((node) => ({ node, up: [], down: [], far: [], x: 0, y: 0 }))
  const slotOf = new Map(members.map((node, i) => [node, i]))
  const layers: number[][] = Array.from({ length: last - first + 1 }, () => [])
  for (const [i, node] of members.entries()) layers[column[node]! - first]!.push(i)
  const chains = new Map<Pair, number[]>()
  // Where nearly everything calls everything, long edges would be most of the map.
  const crossed = edges.reduce((sum, pair) => sum + Math.max(0, Math.abs(column[pair.from]! - column[pair.to]!) - 1), 0)
  const straight = crossed > Math.max(200, members.length)
  for (const pair of edges) {
    const [left, right] = column[pair.from]! <= column[pair.to]! ? [pair.from, pair.to] : [pair.to, pair.from]
    let at = slotOf.get(left)!
    if (straight && column[right]! - column[left]! > 1) {
      slots[at]!.far.push(slotOf.get(right)!)
      slots[slotOf.get(right)!]!.far.push(at)
      continue
    }
    const chain: number[] = []
    for (let c = column[left]! + 1; c < column[right]!; c++) {
      slots.push({ node: -1, up: [at], down: [], far: [], x: 0, y: 0 })
      const slot = slots.length - 1
      slots[at]!.down.push(slot)
      layers[c - first]!.push(slot)
      chain.push(slot)
      at = slot
    }
    const end = slotOf.get(right)!
    if (column[left] !== column[right]) {
      slots[at]!.down.push(end)
      slots[end]!.up.push(at)
    }
    if (chain.length > 0) chains.set(pair, chain)
  }
  order(slots, layers)
  const files = filesOf(slots, layers, spacing)
  settle(slots, layers, files, spacing)
  let x = 0
  for (const [i, layer] of layers.entries()) {
    const wide = files[i]!
    let n = 0
    for (const slot of layer) {
      // Long edges cross in the middle.
      const file = slots[slot]!.node >= 0 ? n++ % wide : (wide - 1) / 2
      slots[slot]!.x = x + file * spacing.column * between
    }
    x += spacing.column * (1 + (wide - 1) * between)
  }
  return { slots, chains }
}

/** How far the files of a column are apart, of what columns are. */
const between = 0.75

/**
 * filesOf says in how many files the nodes of each column stand, in turns. It is one, unless the
 * map would be much higher than it is wide: then nothing could be read when all of it is seen.
 */
function filesOf(slots: Slot[], layers: number[][], spacing: Spacing): number[] {
  const sizes = layers.map((layer) => layer.filter((slot) => slots[slot]!.node >= 0).length)
  const highest = Math.max(...sizes)
  for (let rows = highest; rows > 12; rows = Math.floor(rows * 0.85)) {
    const files = sizes.map((size) => Math.max(1, Math.ceil(size / rows)))
    const wide = files.reduce((sum, n) => sum + 1 + (n - 1) * between, 0) * spacing.column
    if (wide >= rows * spacing.row * 1.3) return files
  }
  return sizes.map((size) => Math.max(1, Math.ceil(size / 12)))
}

/** order puts the slots of each layer in the order with the fewest crossings that some sweeps find. */
function order(slots: Slot[], layers: number[][]): void {
  const rank = slots.map(() => 0)
  const number = () => {
    for (const layer of layers) layer.forEach((slot, i) => (rank[slot] = i))
  }
  // To begin with, in the order of a walk, so that trees have no crossings at all.
  const seen = new Set<number>()
  const walked: number[][] = layers.map(() => [])
  const layerOf = slots.map(() => 0)
  layers.forEach((layer, i) => layer.forEach((slot) => (layerOf[slot] = i)))
  const visit = (start: number) => {
    const waiting = [start]
    for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
      if (seen.has(at)) continue
      seen.add(at)
      walked[layerOf[at]!]!.push(at)
      waiting.push(...[...slots[at]!.down].reverse())
    }
  }
  for (const layer of layers) for (const slot of layer) if (slots[slot]!.up.length === 0) visit(slot)
  for (const layer of layers) for (const slot of layer) visit(slot)
  walked.forEach((layer, i) => (layers[i] = layer))
  number()

  let fewest = crossings(slots, layers, rank)
  let best = layers.map((layer) => [...layer])
  for (let round = 0, idle = 0; round < 24 && fewest > 0 && idle < 6; round++) {
    const forward = round % 2 === 0
    for (let step = 1; step < layers.length; step++) {
      const layer = layers[forward ? step : layers.length - 1 - step]!
      const weight = new Map(
        layer.map((slot) => {
          const beside = forward ? slots[slot]!.up : slots[slot]!.down
          return [slot, beside.length > 0 ? mean(beside.map((other) => rank[other]!)) : rank[slot]!]
        }),
      )
      layer.sort((a, b) => weight.get(a)! - weight.get(b)! || rank[a]! - rank[b]!)
      layer.forEach((slot, i) => (rank[slot] = i))
    }
    const now = crossings(slots, layers, rank)
    idle++
    if (now < fewest) {
      fewest = now
      idle = 0
      best = layers.map((layer) => [...layer])
    }
  }
  best.forEach((layer, i) => (layers[i] = layer))
}

/** crossings counts the pairs of edges that cross between neighbouring layers. */
function crossings(slots: Slot[], layers: number[][], rank: number[]): number {
  let total = 0
  for (let i = 0; i + 1 < layers.length; i++) {
    const size = layers[i + 1]!.length
    const tree = new Int32Array(size + 1) // Fenwick: how many edges ended at or before a rank
    let seen = 0
    for (const slot of layers[i]!) {
      const to = slots[slot]!.down.map((other) => rank[other]!).sort((a, b) => a - b)
      for (const r of to) {
        let before = 0
        for (let k = r + 1; k > 0; k -= k & -k) before += tree[k]!
        total += seen - before
      }
      for (const r of to) {
        for (let k = r + 1; k <= size; k += k & -k) tree[k]!++
        seen++
      }
    }
  }
  return total
}

/** settle moves the slots of each layer towards their neighbours, in their order and with their distances. */
function settle(slots: Slot[], layers: number[][], files: number[], spacing: Spacing): void {
  const distance = (a: Slot, b: Slot) => spacing.row * (a.node >= 0 && b.node >= 0 ? 1 : a.node >= 0 || b.node >= 0 ? 0.62 : 0.25)
  for (const [i, layer] of layers.entries()) {
    const apart = (a: Slot, b: Slot) => distance(a, b) / files[i]!
    let y = 0
    layer.forEach((slot, at) => {
      if (at > 0) y += apart(slots[layer[at - 1]!]!, slots[slot]!)
      slots[slot]!.y = y
    })
    const middle = y / 2
    for (const slot of layer) slots[slot]!.y -= middle
  }
  const rounds = 16
  for (let round = 0; round < rounds; round++) {
    const forward = round % 2 === 0
    for (let step = 0; step < layers.length; step++) {
      const which = forward ? step : layers.length - 1 - step
      const layer = layers[which]!
      const wanted = layer.map((slot) => {
        const { up, down, far } = slots[slot]!
        const beside = round >= rounds - 4 ? [...up, ...down, ...far] : forward ? (up.length > 0 ? up : down) : down.length > 0 ? down : up
        return beside.length > 0 ? mean(beside.map((other) => slots[other]!.y)) : slots[slot]!.y
      })
      const weights = layer.map((slot) => (slots[slot]!.node < 0 ? 4 : 1)) // long edges stay straight
      let offset = 0
      const offsets = layer.map((slot, i) => {
        if (i > 0) offset += distance(slots[layer[i - 1]!]!, slots[slot]!) / files[which]!
        return offset
      })
      isotonic(
        wanted.map((y, i) => y - offsets[i]!),
        weights,
      ).forEach((y, i) => (slots[layer[i]!]!.y = y + offsets[i]!))
    }
  }
}

/** isotonic is the ascending sequence that is nearest to the values, by least squares: pool adjacent violators. */
export function isotonic(values: readonly number[], weights: readonly number[]): number[] {
  const pools: { value: number; weight: number; size: number }[] = []
  values.forEach((value, i) => {
    let pool = { value, weight: weights[i]!, size: 1 }
    for (let before = pools.at(-1); before && before.value > pool.value; before = pools.at(-1)) {
      const weight = before.weight + pool.weight
      pool = { value: (before.value * before.weight + pool.value * pool.weight) / weight, weight, size: before.size + pool.size }
      pools.pop()
    }
    pools.push(pool)
  })
  return pools.flatMap((pool) => Array<number>(pool.size).fill(pool.value))
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}
