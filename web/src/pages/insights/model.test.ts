import { describe, expect, test } from 'vitest'
import type { AnomalousServiceId, InsightEvent, InsightSummary, RequestImpact } from '../../api/insights'
import type { Period } from '../../api/xray'
import type { Graph } from '../../model/graph'
import { noFigures } from '../../model/outcome'
import { affectedServices, beyond, causeFilter, chosenInsights, expectedOf, faultShare, graphWindow, impactGraph, kindLabel, kindsOf, lasted, newServices, nodeOf, selectorOf, stripes, windowAround, windowOf } from './model'
import { insightSearch, insightsSearch } from './search'

const service = (Name: string, Type = '', AccountId: string | null = null): AnomalousServiceId => ({ AccountId, Name, Names: [Name], Type })
const impact: RequestImpact = { FaultCount: 10, OkCount: 80, TotalCount: 100 }
const faults = 'Faults were frequent for 5 minutes. Clients made 100 requests in that time, of which 10 failed, and 2 services were affected. The root cause seems to be bank (remote), where 12 of 100 requests failed.'

const insight = (id: string, change: Partial<InsightSummary> = {}): InsightSummary => ({
  Categories: ['FAULT'],
  ClientRequestImpactStatistics: impact,
  EndTime: 1300,
  GroupARN: 'arn',
  GroupName: 'Default',
  InsightId: id,
  LastUpdateTime: 1300,
  RootCauseServiceId: service('bank', 'remote'),
  RootCauseServiceRequestImpactStatistics: impact,
  StartTime: 1000,
  State: 'CLOSED',
  Summary: faults,
  TopAnomalousServices: [{ ServiceId: service('bank', 'remote') }, { ServiceId: service('shop', 'AWS::ECS::Container') }],
  ...change,
})

test.each([
  [faults, 'Faults'],
  ['Faults have been frequent for 2 minutes. It is slow.', 'Faults'],
  ['Faults have been frequent and responses slow for 8 minutes. More.', 'Faults and slow responses'],
  ['Faults were frequent and responses slow for 8 minutes. More.', 'Faults and slow responses'],
  ['Responses were slow for an hour. Faults were none.', 'Slow responses'],
  ['Responses have been slow for 4 minutes. More.', 'Slow responses'],
  ['', 'Faults'],
])('kindsOf(%s)', (summary, want) => expect(kindLabel(kindsOf(summary))).toBe(want))

test.each([
  [1000, 1010, '60 s'],
  [1000, 1000 + 3 * 3600 + 100, '3 h 2 min'],
  [1000, null, '50 min'],
])('lasted from %d to %s', (StartTime, EndTime, want) => expect(lasted({ StartTime, EndTime }, 4000)).toBe(want))

test('a search chooses', () => {
  const list = [insight('old', { StartTime: 1 }), insight('slow', { StartTime: 5, Summary: 'Responses were slow for 2 minutes. x' }), insight('active', { StartTime: 9, State: 'ACTIVE', EndTime: null })]
  const ids = (search: object) => chosenInsights(list, insightsSearch({ ...search })).map((one) => one.InsightId)
  expect(ids({})).toEqual(['active', 'slow', 'old'])
  expect(ids({ state: 'active' })).toEqual(['active'])
  expect(ids({ state: 'closed', kind: 'slow' })).toEqual(['slow'])
  expect(ids({ state: 'nonsense', kind: 'faults' })).toEqual(['active', 'old'])
})

test('an event in the URL is a moment', () => {
  expect(insightSearch({ event: '1795346940', chart: 'times' })).toEqual({ event: '1795346940', chart: 'times' })
  expect(insightSearch({ event: 'yesterday', chart: 'pie' })).toEqual({})
})

test('stripes lie in lanes, without one over another', () => {
  const window = { start: 0, end: 1000 }
  const drawn = stripes(
    [insight('b', { StartTime: 400, EndTime: 600 }), insight('a', { StartTime: 100, EndTime: 500 }), insight('c', { StartTime: 700, EndTime: null }), insight('before', { StartTime: -50, EndTime: 50 })],
    window,
  )
  expect(drawn.map(({ insight: { InsightId }, lane, from, to }) => [InsightId, lane, from, to])).toEqual([
    ['before', 0, 0, 0.05],
    ['a', 0, 0.1, 0.5],
    ['b', 1, 0.4, 0.6],
    ['c', 0, 0.7, 1],
  ])
})

describe('windows', () => {
  test.each([
    [{ StartTime: 100_000, EndTime: 100_900 }, 200_000, { start: 98_760, end: 102_120 }],
    [{ StartTime: 100_000, EndTime: null }, 100_300, { start: 98_760, end: 100_320 }],
    [{ StartTime: 100_000, EndTime: 186_400 }, 1e6, { start: 89_160, end: 197_220 }],
  ])('around %j', (one, now, want) => {
    const window = windowAround(one, now)
    expect(window).toEqual(want)
    expect([window.start % 60, window.end % 60]).toEqual([0, 0])
  })

  test('of the insight, or until an event', () => {
    expect(windowOf({ StartTime: 120, EndTime: 300 }, 1000, null)).toEqual({ start: 120, end: 300 })
    expect(windowOf({ StartTime: 120, EndTime: null }, 1000, null)).toEqual({ start: 120, end: 1020 })
    expect(windowOf({ StartTime: 120, EndTime: 300 }, 1000, 241)).toEqual({ start: 120, end: 300 })
    expect(windowOf({ StartTime: 120, EndTime: 300 }, 1000, 100)).toEqual({ start: 120, end: 180 })
  })

  test('of a graph have six hours at most', () => {
    expect(graphWindow({ start: 0, end: 86_400 })).toEqual({ start: 86_400 - 21_600, end: 86_400 })
    expect(graphWindow({ start: 0, end: 600 })).toEqual({ start: 0, end: 600 })
  })
})

test('the impact graph has the figures of the map', () => {
  const figures = { ...noFigures, total: 9, fault: 3 }
  const all: Graph = {
    nodes: [{ key: 'bank|remote', name: 'bank', type: 'remote', account: null, kind: 'remote', figures, response: [], start: 1, end: 2, root: false }],
    edges: [{ key: 'shop>bank|remote', from: 'shop', to: 'bank|remote', figures, response: [], aliases: [] }],
  }
  const services = [
    { AccountId: null, Edges: [{ ReferenceId: 1 }, { ReferenceId: 7 }], Name: 'shop', ReferenceId: 0, Type: null },
    { AccountId: null, Edges: [], Name: 'bank', ReferenceId: 1, Type: 'remote' },
  ]
  const graph = impactGraph(services, all)
  expect(graph.nodes.map((node) => [node.key, node.kind, node.figures.fault])).toEqual([
    ['shop', 'service', 0],
    ['bank|remote', 'remote', 3],
  ])
  expect(graph.edges.map((edge) => [edge.key, edge.figures.total])).toEqual([['shop>bank|remote', 9]])
  expect(impactGraph(services, undefined).edges[0]?.figures).toEqual(noFigures)
})

test('periods are held against what is usual', () => {
  const period = (Timestamp: number, faults: number, total: number, high: number | null): Period => ({
    EdgeSummaryStatistics: null,
    ResponseTimeHistogram: [{ Value: 0.1, Count: 8 }, { Value: 2, Count: 2 }],
    ServiceForecastStatistics: { FaultCountHigh: high, FaultCountLow: high === null ? null : 0 },
    ServiceSummaryStatistics: { ErrorStatistics: { OtherCount: 0, ThrottleCount: 0, TotalCount: 0 }, FaultStatistics: { OtherCount: faults, TotalCount: faults }, OkCount: total - faults, TotalCount: total, TotalResponseTime: 1 },
    Timestamp,
  })
  const periods = expectedOf([period(60, 1, 10, 2), period(120, 5, 10, 2), period(180, 5, 10, null)], 60)
  expect(periods.map(({ start, faults: n, high, p50, p90 }) => [start, n, high, p50, p90])).toEqual([
    [0, 1, 2, 0.1, 2],
    [60, 5, 2, 0.1, 2],
    [120, 5, null, 0.1, 2],
  ])
  expect(beyond(periods)).toBe(1)
})

test('filters and selectors name just the service', () => {
  expect(nodeOf(service('plain'))).toEqual({ name: 'plain', type: null, account: null })
  expect(causeFilter(insight('x'))).toBe('service(id(name: "bank", type: "remote")) { fault }')
  expect(causeFilter(insight('x', { Summary: 'Responses were slow for 2 minutes. x', RootCauseServiceId: service('a "b"') }))).toBe(String.raw`service(id(name: "a \"b\"", type: ""))`)
  expect(selectorOf(service('shop', 'AWS::ECS::Container', '123456789012'))).toBe('service(id(name: "shop", type: "AWS::ECS::Container", account.id: "123456789012"))')
})

test('affected services are those of the insight and its events, the root cause first', () => {
  const event = (...names: string[]): InsightEvent => ({ ClientRequestImpactStatistics: impact, EventTime: 1, RootCauseServiceRequestImpactStatistics: impact, Summary: '', TopAnomalousServices: names.map((name) => ({ ServiceId: service(name) })) })
  const events = [event('web', 'shop', 'gone'), event('web', 'shop'), event('shop')]
  expect(affectedServices(insight('x', { RootCauseServiceId: service('bank'), TopAnomalousServices: [{ ServiceId: service('shop') }, { ServiceId: service('bank') }] }), events).map((one) => one.Name)).toEqual(['bank', 'shop', 'web', 'gone'])
  expect(events.map((_, i) => newServices(events, i).map((one) => one.Name))).toEqual([['gone'], ['web'], ['shop']])
  expect(faultShare(impact)).toBe(0.1)
  expect(faultShare({ FaultCount: 0, OkCount: 0, TotalCount: 0 })).toBeNull()
})
