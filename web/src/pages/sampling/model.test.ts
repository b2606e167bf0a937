import { describe, expect, test } from 'vitest'
import type { SamplingRule } from '../../api/sampling'
import { checkDraft, conditionsOf, draftOf, effectiveRate, figuresOf, isEmpty, newDraft, obstacleText, ordered, parseAttributes, printAttributes, requestOf, ruleOf, share, splitURL, warningsOf } from './model'

const rule = (RuleName: string, Priority: number, more: Partial<SamplingRule> = {}): SamplingRule => ({
  Attributes: {}, FixedRate: 0.05, HTTPMethod: '*', Host: '*', Priority, ReservoirSize: 1, ResourceARN: '*', RuleARN: `arn:${RuleName}`, RuleName, ServiceName: '*', ServiceType: '*', URLPath: '*', Version: 1, ...more,
})

test('ordered: by priority, then by name', () => {
  const records = [rule('Default', 10_000), rule('b', 5), rule('a', 5), rule('c', 1)].map((SamplingRule) => ({ CreatedAt: 0, ModifiedAt: 0, SamplingRule }))
  expect(ordered(records).map((one) => one.RuleName)).toEqual(['c', 'a', 'b', 'Default'])
})

test('conditionsOf leaves out what may be anything', () => {
  expect(conditionsOf(rule('Default', 10_000))).toEqual([])
  expect(conditionsOf(rule('a', 1, { Host: '*.x', URLPath: '', Attributes: { z: '1', b: 'g*' } })).map((one) => `${one.label}=${one.pattern}`)).toEqual(['Host=*.x', 'Path=', 'b=g*', 'z=1'])
})

test('figuresOf adds up and puts in order', () => {
  const statistics = [
    { RuleName: 'a', Timestamp: 20, RequestCount: 10, SampledCount: 2, BorrowCount: 1 },
    { RuleName: 'b', Timestamp: 20, RequestCount: 99, SampledCount: 0, BorrowCount: 0 },
    { RuleName: 'a', Timestamp: 10, RequestCount: 30, SampledCount: 6, BorrowCount: 0 },
  ]
  const figures = figuresOf(statistics, 'a')
  expect(figures).toMatchObject({ requests: 40, sampled: 8, borrowed: 1 })
  expect(figures.windows.map((one) => one.start)).toEqual([10, 20])
  expect(effectiveRate(figures)).toEqual({ low: 0.2, high: 0.225 })
  expect(effectiveRate(figuresOf(statistics, 'c'))).toBeNull()
  expect(effectiveRate({ requests: 1, sampled: 2, borrowed: 5, windows: [] })).toEqual({ low: 1, high: 1 })
})

describe('requests', () => {
  test('are read from the URL', () => {
    expect(requestOf({ service: 'shop', path: '/pay', attributes: 'tenant=gold%267&x=', edit: 'rule' })).toEqual({ ServiceName: 'shop', URLPath: '/pay', Attributes: { tenant: 'gold&7', x: '' } })
    expect(isEmpty(requestOf({ client: 'OpenTelemetry for Go' }))).toBe(true)
    expect(isEmpty(requestOf({ host: 'x' }))).toBe(false)
  })

  test.each(['', 'a=b', 'a=b=c', 'a', '%', 'tenant=gold%207&b='])('attributes of %s come back', (text) => {
    const pairs = parseAttributes(text)
    expect(parseAttributes(printAttributes(pairs))).toEqual(pairs)
  })

  test.each([
    ['https://www.shop.example/pay/7?x=1#y', { host: 'www.shop.example', path: '/pay/7' }],
    ['http://user:secret@localhost:8080', { host: 'localhost', path: '/' }],
    ['POST https://shop.example/pay', { host: 'shop.example', path: '/pay' }],
    ['/pay/7', null],
    ['shop.example/pay', null],
  ])('%s is taken apart', (text, want) => {
    expect(splitURL(text)).toEqual(want)
  })
})

test('obstacleText', () => {
  const of = (Member: string, Reason: 'Differs' | 'Missing' | 'Ignored', Key = '') => obstacleText({ Key, Member, Pattern: 'p*', Reason, Value: 'v' })
  expect(of('Host', 'Differs')).toBe('Host v is not p*')
  expect(of('Attributes', 'Missing', 'tenant')).toBe('tenant is not known, and has to be p*')
  expect(of('Attributes', 'Ignored', 'tenant')).toBe('these clients ignore rules with attributes')
  expect(of('ResourceARN', 'Ignored')).toBe('these clients ignore rules with a resource')
  expect(of('Version', 'Ignored')).toBe('these clients ignore rules of version p*')
})

describe('drafts', () => {
  const whole = rule('pay', 10, { FixedRate: 0.07, ReservoirSize: 50, Host: '*.x', Attributes: { tenant: 'gold*' }, SamplingRateBoost: { MaxRate: 0.5, CooldownWindowMinutes: 3 } })

  test('become the rule that they were', () => {
    const { RuleARN: _, Version: __, ...want } = whole
    expect(ruleOf(draftOf(whole))).toEqual(want)
    expect(ruleOf(draftOf(rule('plain', 1)))).not.toHaveProperty('SamplingRateBoost')
  })

  test('are right as they are', () => {
    expect(checkDraft({ ...newDraft, name: 'a' }, false, [])).toEqual({})
    expect(checkDraft(draftOf(whole), false, ['other'])).toEqual({})
  })

  test.each([
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(33) }, 'name'],
    [{ name: 'taken' }, 'name'],
    [{ priority: '0' }, 'priority'],
    [{ priority: '10000' }, 'priority'],
    [{ priority: '1.5' }, 'priority'],
    [{ rate: '101' }, 'rate'],
    [{ rate: '' }, 'rate'],
    [{ reservoir: '-1' }, 'reservoir'],
    [{ host: 'x'.repeat(65) }, 'host'],
    [{ method: 'x'.repeat(11) }, 'method'],
    [{ path: '' }, 'path'],
    [{ attributes: [{ key: '', value: 'x' }] }, 'attributes'],
    [{ attributes: [{ key: 'k', value: 'x'.repeat(33) }] }, 'attributes'],
    [{ attributes: [{ key: 'k', value: '1' }, { key: 'k', value: '2' }] }, 'attributes'],
    [{ attributes: Array.from({ length: 6 }, (_, i) => ({ key: `k${i}`, value: 'v' })) }, 'attributes'],
    [{ boost: true, maxRate: 'all' }, 'maxRate'],
    [{ boost: true, cooldown: '0' }, 'cooldown'],
  ])('%o is wrong', (change, field) => {
    expect(Object.keys(checkDraft({ ...newDraft, name: 'a', ...change }, false, ['taken']))).toEqual([field])
  })

  test('of Default are held against what can change of it', () => {
    expect(checkDraft({ ...newDraft, name: '', priority: '10000' }, true, [])).toEqual({})
    expect(Object.keys(checkDraft({ ...newDraft, rate: '5 of 100' }, true, []))).toEqual(['rate'])
  })

  test('warn of what clients make of them', () => {
    expect(warningsOf(newDraft)).toEqual([])
    expect(warningsOf({ ...newDraft, attributes: [{ key: 'a', value: 'b' }], arn: 'arn:x' })[0]).toMatch(/^X-Ray SDKs ignore rules with attributes or a resource/)
    expect(warningsOf({ ...newDraft, host: '*.Example.com' })[0]).toMatch(/letter case matters/)
    expect(warningsOf({ ...newDraft, path: 'pay' })).toEqual(['A path begins with /.'])
  })

  test('share', () => {
    expect(['7', '0', '100', '12.5 %', '0,1'].map(share)).toEqual([0.07, 0, 1, 0.125, 0.001])
    expect(['', '-1', '101', 'x'].map(share)).toEqual([null, null, null, null])
  })
})
