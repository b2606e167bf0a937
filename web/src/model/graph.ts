import type { HistogramEntry, Seconds, Service } from '../api/xray'
import { addFigures, figuresOf, noFigures, type Figures } from './outcome'

/** A node of a map. */
export interface GraphNode {
  /** Names it in links; the same for the same service in every window. */
  key: string
  name: string
  type: string | null
  account: string | null
  kind: NodeKind
  /** Requests that it answered; of a client, those that it sent. */
  figures: Figures
  response: readonly HistogramEntry[]
  /** When the first and the last of its traces began. */
  start: Seconds | null
  end: Seconds | null
  root: boolean
}

/** The calls from one node to another. */
export interface GraphEdge {
  key: string
  from: string
  to: string
  figures: Figures
  response: readonly HistogramEntry[]
  /** Names under which the callee was called, where they are others than its own. */
  aliases: readonly string[]
}

export interface Graph {
  nodes: readonly GraphNode[]
  edges: readonly GraphEdge[]
}

/** What a node is, as far as its icon tells. */
export type NodeKind =
  | 'client'
  | 'service'
  | 'function'
  | 'instance'
  | 'container'
  | 'gateway'
  | 'table'
  | 'database'
  | 'bucket'
  | 'queue'
  | 'topic'
  | 'stream'
  | 'workflow'
  | 'secret'
  | 'cache'
  | 'cloud'
  | 'remote'

const kinds: readonly [RegExp, NodeKind][] = [
  [/^client$/, 'client'],
  [/^remote$/, 'remote'],
  [/Lambda/i, 'function'],
  [/EC2/i, 'instance'],
  [/E[CK]S|Fargate|container/i, 'container'],
  [/ElasticBeanstalk|AppRunner/i, 'container'],
  [/ApiGateway|AppSync|LoadBalancing|CloudFront/i, 'gateway'],
  [/DynamoDB/i, 'table'],
  [/ElastiCache|MemoryDB|redis|memcache/i, 'cache'],
  [/Database|RDS|Redshift|SQL|Mongo|DocDB|Neptune|OpenSearch|Elasticsearch/i, 'database'],
  [/S3|EFS/i, 'bucket'],
  [/SQS/i, 'queue'],
  [/SNS|SES/i, 'topic'],
  [/Kinesis|Kafka|Firehose|EventBridge|AWS::Events/i, 'stream'],
  [/StepFunctions|states/i, 'workflow'],
  [/SecretsManager|KMS|SSM|IAM|STS|Cognito/i, 'secret'],
  [/^AWS::/, 'cloud'],
]

/** kindOf is what a node of the type is. */
export function kindOf(type: string | null): NodeKind {
  if (!type) return 'service'
  return kinds.find(([pattern]) => pattern.test(type))?.[1] ?? 'service'
}

/** shortType is a type without the words that all have. */
export function shortType(type: string | null): string {
  if (!type) return ''
  return type.replace(/^AWS::/, '').replaceAll('::', ' ')
}

/** titleOf is a name as it is shown: of a URL, as queues have for names, the last part. */
export function titleOf(node: { name: string }): string {
  return /^https?:\/\/.*\/([^/]+)\/?$/.exec(node.name)?.[1] ?? node.name
}

/** nodeKey names a node: its name, type and account, as far as they are there. */
export function nodeKey(node: { name: string; type: string | null; account?: string | null }): string {
  return [node.name, node.type ?? '', node.account ?? ''].map((part) => part.replace(/[\\|>]/g, '\\$&')).join('|').replace(/(?<!\\)\|+$/, '')
}

/** edgeKey names an edge by the keys of its ends. */
export function edgeKey(from: string, to: string): string {
  return `${from}>${to}`
}

/** graphOf makes a map of an answer. */
export function graphOf(services: readonly Service[]): Graph {
  const keys = new Map(services.map((service) => [service.ReferenceId, nodeKey({ name: service.Name, type: service.Type, account: service.AccountId })]))
  const edges: GraphEdge[] = []
  for (const service of services) {
    for (const edge of service.Edges) {
      const from = keys.get(service.ReferenceId)!
      const to = keys.get(edge.ReferenceId)
      if (to === undefined) continue
      edges.push({ key: edgeKey(from, to), from, to, figures: figuresOf(edge.SummaryStatistics), response: edge.ResponseTimeHistogram ?? [], aliases: edge.Aliases.map((alias) => alias.Name) })
    }
  }
  const sent = new Map<string, Figures>()
  for (const edge of edges) sent.set(edge.from, addFigures(sent.get(edge.from) ?? noFigures, edge.figures))
  const nodes = services.map((service): GraphNode => {
    const key = keys.get(service.ReferenceId)!
    const kind = kindOf(service.Type)
    return {
      key,
      name: service.Name,
      type: service.Type,
      account: service.AccountId,
      kind,
      figures: kind === 'client' ? (sent.get(key) ?? noFigures) : figuresOf(service.SummaryStatistics),
      response: service.ResponseTimeHistogram ?? [],
      start: service.StartTime,
      end: service.EndTime,
      root: service.Root === true,
    }
  })
  return { nodes, edges }
}

/** reachable is all nodes that a walk from a node comes by, itself among them. */
export function reachable(graph: Graph, from: string, direction: 'up' | 'down'): Set<string> {
  const next = new Map<string, string[]>()
  for (const edge of graph.edges) {
    const [at, to] = direction === 'down' ? [edge.from, edge.to] : [edge.to, edge.from]
    const list = next.get(at)
    if (list) list.push(to)
    else next.set(at, [to])
  }
  const seen = new Set([from])
  const waiting = [from]
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    for (const to of next.get(at) ?? []) {
      if (!seen.has(to)) {
        seen.add(to)
        waiting.push(to)
      }
    }
  }
  return seen
}

/** busiest keeps the nodes with the most traffic, and the edges between them. */
export function busiest(graph: Graph, most: number): Graph {
  if (graph.nodes.length <= most) return graph
  const nodes = [...graph.nodes].sort((a, b) => b.figures.total - a.figures.total || (a.key < b.key ? -1 : 1)).slice(0, most)
  const kept = new Set(nodes.map((node) => node.key))
  return { nodes, edges: graph.edges.filter((edge) => kept.has(edge.from) && kept.has(edge.to)) }
}
