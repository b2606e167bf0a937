import { describe, expect, test } from 'vitest'
import { isotonic, mapSpacing, place, type Layout, type LayoutInput } from './layout'

/** input reads "a>b b>c d": edges, and nodes alone. */
function input(text: string): LayoutInput {
  const words = text.split(' ')
  const edges = words.filter((word) => word.includes('>')).map((word) => ({ key: word, from: word.split('>')[0]!, to: word.split('>')[1]! }))
  return { nodes: [...new Set(words.flatMap((word) => word.split('>')))], edges }
}

/** random is a graph of n nodes; the same for the same seed. */
function random(n: number, seed: number): LayoutInput {
  let state = seed
  const next = () => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) / 0x7fffffff
  const edges: LayoutInput['edges'][number][] = []
  for (let i = 1; i < n; i++) {
    for (let k = 0; k <= next() * 2; k++) {
      const from = `n${Math.floor(next() * n)}`
      edges.push({ key: `${from}>n${i}`, from, to: `n${i}` })
    }
  }
  return { nodes: Array.from({ length: n }, (_, i) => `n${i}`), edges }
}

function closest(layout: Layout): number {
  const places = [...layout.places.values()]
  let least = Infinity
  for (let i = 0; i < places.length; i++) {
    for (let j = 0; j < i; j++) {
      const [a, b] = [places[i]!, places[j]!]
      if (Math.abs(a.x - b.x) < mapSpacing.column / 2) least = Math.min(least, Math.abs(a.y - b.y))
    }
  }
  return least
}

describe('columns go from callers to callees', () => {
  test.each(['a>b b>c', 'a>b a>c b>d c>d', 'a>b b>c a>c', 'x>y a>b b>c c>d a>d'])('%s', (text) => {
    const graph = input(text)
    const { places } = place(graph, null)
    for (const edge of graph.edges) expect(places.get(edge.to)!.x).toBeGreaterThan(places.get(edge.from)!.x)
  })
})

test('a chain is straight', () => {
  const { places } = place(input('a>b b>c c>d'), null)
  expect(new Set([...places.values()].map((at) => at.y)).size).toBe(1)
})

test('a tree has no crossings', () => {
  const { places } = place(input('a>b a>c b>d b>e c>f c>g'), null)
  const y = (name: string) => places.get(name)!.y
  const order = y('b') < y('c') ? ['d', 'e', 'f', 'g'] : ['f', 'g', 'd', 'e']
  expect(Math.max(y(order[0]!), y(order[1]!))).toBeLessThan(Math.min(y(order[2]!), y(order[3]!)))
})

test('cycles, loops and lonely nodes have places', () => {
  const graph = input('a>b b>c c>a d>d e')
  const { places } = place(graph, null)
  expect([...places.keys()].sort()).toEqual(['a', 'b', 'c', 'd', 'e'])
  for (const at of places.values()) expect(Number.isFinite(at.x) && Number.isFinite(at.y)).toBe(true)
})

test('nothing is placed where nothing is', () => expect(place({ nodes: [], edges: [] }, null).places.size).toBe(0))

test('long edges bend around what is between', () => {
  const layout = place(input('a>b b>c a>c'), null)
  expect(layout.bends.get('a>c')).toHaveLength(1)
  expect(layout.bends.get('a>c')![0]!.y).not.toBe(layout.places.get('b')!.y)
})

test.each([3, 30, 120])('%d random nodes stand apart, and equal graphs are equal', (n) => {
  const graph = random(n, n)
  const layout = place(graph, null)
  expect(closest(layout)).toBeGreaterThan(mapSpacing.row * 0.99)
  const shuffled = { nodes: [...graph.nodes].reverse(), edges: [...graph.edges].reverse() }
  expect(place(shuffled, null).places.get('n1')).toEqual(layout.places.get('n1'))
})

test('many nodes of a column stand in files, and the map is not much higher than wide', () => {
  const { places } = place(input(Array.from({ length: 300 }, (_, i) => `a>n${i}`).join(' ')), null)
  const xs = [...places.values()].map((at) => at.x)
  const ys = [...places.values()].map((at) => at.y)
  const [wide, high] = [Math.max(...xs) - Math.min(...xs), Math.max(...ys) - Math.min(...ys)]
  expect(high).toBeLessThan(wide * 1.2)
  expect(closest({ places, bends: new Map() })).toBeGreaterThan(mapSpacing.row * 0.99)
})

describe('what has a place keeps it', () => {
  const before = place(input('a>b b>c b>d'), null)
  test('when nothing is new', () => expect(place(input('a>b b>c'), before)).toBe(before))
  test('when something is', () => {
    const now = place(input('a>b b>c b>d b>e e>f z>a q'), before)
    for (const [name, at] of before.places) expect(now.places.get(name)).toEqual(at)
    expect(now.places.get('e')!.x).toBeGreaterThan(now.places.get('b')!.x)
    expect(now.places.get('f')!.x).toBeGreaterThan(now.places.get('e')!.x)
    expect(now.places.get('z')!.x).toBeLessThan(now.places.get('a')!.x)
    expect(now.places.has('q')).toBe(true)
    expect(closest(now)).toBeGreaterThan(mapSpacing.row * 0.5)
  })
  test('but not when most is new', () => expect(place(input('a>x x>y y>z z>v'), before).places.get('a')).toEqual({ x: 0, y: 0 }))
})

test.each([
  [[1, 2, 3], [1, 1, 1], [1, 2, 3]],
  [[3, 1], [1, 1], [2, 2]],
  [[3, 1], [3, 1], [2.5, 2.5]],
  [[1, 5, 3, 2, 9], [1, 1, 1, 1, 1], [1, 10 / 3, 10 / 3, 10 / 3, 9]],
])('isotonic(%j, %j)', (values, weights, want) => isotonic(values, weights).forEach((value, i) => expect(value).toBeCloseTo(want[i]!)))
