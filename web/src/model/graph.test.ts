import { expect, test } from 'vitest'
import type { Service } from '../api/xray'
import { busiest, edgeKey, graphOf, kindOf, nodeKey, reachable, shortType, titleOf } from './graph'

const statistics = (ok: number, fault = 0) => ({
  OkCount: ok,
  ErrorStatistics: { OtherCount: 0, ThrottleCount: 0, TotalCount: 0 },
  FaultStatistics: { OtherCount: fault, TotalCount: fault },
  TotalCount: ok + fault,
  TotalResponseTime: 1,
})

const service = (id: number, name: string, type: string | null, calls: number[], n = 1): Service => ({
  AccountId: null,
  DurationHistogram: type === 'client' ? null : [],
  Edges: calls.map((to) => ({ Aliases: [], EndTime: 1, ReferenceId: to, ResponseTimeHistogram: [], StartTime: 0, SummaryStatistics: statistics(n, 1) })),
  EndTime: 1,
  Name: name,
  Names: [name],
  ReferenceId: id,
  ResponseTimeHistogram: type === 'client' ? null : [],
  Root: type === null,
  StartTime: 0,
  State: 'active',
  SummaryStatistics: type === 'client' ? null : statistics(n),
  Type: type,
})

const graph = graphOf([service(0, 'shop', 'client', [1], 7), service(1, 'shop', null, [2, 3], 5), service(2, 'db', 'Database::SQL', [], 3), service(3, 'bus', 'AWS::SQS::Queue', [1], 9), service(4, 'alone', null, [99])])

test('a graph of an answer', () => {
  expect(graph.nodes.map((node) => node.key)).toEqual(['shop|client', 'shop', 'db|Database::SQL', 'bus|AWS::SQS::Queue', 'alone'])
  expect(graph.edges.map((edge) => edge.key)).toEqual(['shop|client>shop', 'shop>db|Database::SQL', 'shop>bus|AWS::SQS::Queue', 'bus|AWS::SQS::Queue>shop'])
  expect(graph.nodes[0]!.figures).toMatchObject({ ok: 7, fault: 1, total: 8 }) // what the client sent
  expect(graph.nodes[1]!.figures.total).toBe(5)
})

test('what is up and down from a node', () => {
  expect([...reachable(graph, 'shop', 'down')].sort()).toEqual(['bus|AWS::SQS::Queue', 'db|Database::SQL', 'shop'])
  expect([...reachable(graph, 'db|Database::SQL', 'up')].sort()).toEqual(['bus|AWS::SQS::Queue', 'db|Database::SQL', 'shop', 'shop|client'])
})

test('the busiest', () => {
  const few = busiest(graph, 2)
  expect(few.nodes.map((node) => node.key)).toEqual(['bus|AWS::SQS::Queue', 'shop|client'])
  expect(few.edges).toEqual([])
  expect(busiest(graph, 5)).toBe(graph)
})

test('keys differ where nodes do', () => {
  const nodes = [
    { name: 'a', type: null },
    { name: 'a', type: 'b' },
    { name: 'a|b', type: null },
    { name: 'a\\', type: 'b' },
    { name: 'a', type: null, account: 'b' },
    { name: 'a|', type: null },
    { name: 'a>b', type: null },
  ]
  expect(new Set(nodes.map(nodeKey)).size).toBe(nodes.length)
  expect(edgeKey(nodeKey({ name: 'a>b', type: null }), 'c')).not.toBe(edgeKey('a', 'b>c'))
})

test.each([
  [null, 'service'],
  ['', 'service'],
  ['client', 'client'],
  ['remote', 'remote'],
  ['AWS::EC2::Instance', 'instance'],
  ['AWS::Lambda', 'function'],
  ['AWS::Lambda::Function', 'function'],
  ['AWS::DynamoDB::Table', 'table'],
  ['Database::SQL', 'database'],
  ['AWS::SQS::Queue', 'queue'],
  ['AWS::ECS::Container', 'container'],
  ['AWS::EKS::Container', 'container'],
  ['AWS::Something::New', 'cloud'],
])('kindOf(%j)', (type, want) => expect(kindOf(type)).toBe(want))

test('short types', () => expect(shortType('AWS::Lambda::Function')).toBe('Lambda Function'))

test.each([
  ['shop', 'shop'],
  ['https://sqs.eu-central-1.amazonaws.com/123456789012/order-events', 'order-events'],
  ['https://shop.example/', 'https://shop.example/'],
  ['a/b', 'a/b'],
])('titleOf(%j)', (name, want) => expect(titleOf({ name })).toBe(want))
