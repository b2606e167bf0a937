import { oneOf, text, type RawSearch } from '../../app/search'
import { milliseconds } from '../../model/format'

/** What of the URL is a trace's own. */
export interface TraceSearch {
  /** The segment or subsegment that is looked at, by its id. */
  span?: string | undefined
  /** What of it: a tab of the drawer. */
  tab?: string | undefined
  /** A node of the map, by its key. */
  node?: string | undefined
  /** Rows by who called whom, if it is not said; or by service; or names with their figures. */
  by?: 'service' | 'name' | undefined
  /** How many levels are unfolded; all if it is not said. */
  depth?: string | undefined
  /** Rows that are folded though their level is not, or the other way round: ids with commas between. */
  fold?: string | undefined
  /** From–to in milliseconds behind the start of the trace. */
  zoom?: string | undefined
  /** What is searched for in the trace. */
  find?: string | undefined
  /** Only what was found, and what it is in. */
  only?: 'hits' | undefined
  /** Inferred segments as rows of their own. */
  inferred?: 'rows' | undefined
  /** The critical path is not shown. */
  path?: 'off' | undefined
  /** The map is not shown. */
  map?: 'off' | undefined
  /** Bars have the colour of how they ended, not of their service. */
  colour?: 'outcome' | undefined
  /** Another trace to hold this one against. */
  compare?: string | undefined
  /** The comparison shows what is the same too. */
  same?: 'off' | undefined
}

export function traceSearch(raw: RawSearch): TraceSearch {
  const search: TraceSearch = {}
  for (const key of ['span', 'tab', 'node', 'fold', 'find', 'compare'] as const) {
    const value = text(raw[key])
    if (value) search[key] = value
  }
  const by = oneOf(['service', 'name'] as const, raw['by'])
  if (by) search.by = by
  const depth = text(raw['depth'])
  if (depth && /^[1-9]\d{0,4}$/.test(depth)) search.depth = depth
  const zoom = text(raw['zoom'])
  if (zoom && parseZoom(zoom)) search.zoom = zoom
  if (raw['only'] === 'hits') search.only = 'hits'
  if (raw['inferred'] === 'rows') search.inferred = 'rows'
  if (raw['path'] === 'off') search.path = 'off'
  if (raw['map'] === 'off') search.map = 'off'
  if (raw['colour'] === 'outcome') search.colour = 'outcome'
  if (raw['same'] === 'off') search.same = 'off'
  return search
}

/** A part of a trace, in seconds behind its start. */
export interface View {
  from: number
  to: number
}

/** parseZoom reads milliseconds with a dash between; null if they are none. */
export function parseZoom(zoom: string): View | null {
  const match = /^(\d{1,12}(?:\.\d{1,3})?)-(\d{1,12}(?:\.\d{1,3})?)$/.exec(zoom)
  if (!match) return null
  const [from, to] = [Number(match[1]) / 1000, Number(match[2]) / 1000]
  return from < to ? { from, to } : null
}

/** printZoom writes milliseconds, to the microsecond. */
export function printZoom({ from, to }: View): string {
  return `${milliseconds(Math.max(0, from))}-${milliseconds(Math.max(0, to))}`
}
