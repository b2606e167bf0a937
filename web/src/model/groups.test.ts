import { expect, test } from 'vitest'
import type { Group } from '../api/xray'
import { watchedGroups } from './groups'

test('groups are watched that have insights enabled', () => {
  const group = (GroupName: string, InsightsEnabled: boolean): Group => ({ FilterExpression: null, GroupARN: '', GroupName, InsightsConfiguration: { InsightsEnabled, NotificationsEnabled: false } })
  const groups = [group('Default', true), group('shop', false), group('bank', true)]
  expect(watchedGroups(groups, undefined)).toEqual(['Default', 'bank'])
  expect(watchedGroups(groups, 'bank')).toEqual(['bank'])
  expect(watchedGroups(groups, 'shop')).toEqual([])
})
