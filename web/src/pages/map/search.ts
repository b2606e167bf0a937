import { oneOf, text, type RawSearch } from '../../app/search'

/** What of the URL is the map's own. */
export interface MapSearch {
  /** The key of the node that is chosen. */
  node?: string | undefined
  /** The key of the edge that is chosen. */
  edge?: string | undefined
  /** The services as a table. */
  view?: 'table' | undefined
  /** What the size of nodes tells. */
  size?: 'traffic' | 'failures' | undefined
  /** Figures on all edges. */
  labels?: 'all' | undefined
}

export function mapSearch(raw: RawSearch): MapSearch {
  const search: MapSearch = {}
  const node = text(raw['node'])
  const edge = text(raw['edge'])
  if (node) search.node = node
  else if (edge) search.edge = edge
  if (raw['view'] === 'table') search.view = 'table'
  const size = oneOf(['traffic', 'failures'] as const, raw['size'])
  if (size) search.size = size
  if (raw['labels'] === 'all') search.labels = 'all'
  return search
}
