import { expect, test } from 'vitest'
import { missingText, rightsOf } from './Rights'

const wanted = { create: 'xray:CreateGroup', change: 'xray:UpdateGroup', delete: 'xray:DeleteGroup' }
const session = (...Allowed: string[]) => ({ Needed: true, Session: { Allowed } })

test.each<[string, Parameters<typeof rightsOf>[0], string[], unknown]>([
  ['nobody has to sign in', { Needed: false, Session: null }, [], ''],
  ['it is not known yet', null, [], ''],
  ['all is allowed', session('xray:CreateGroup', 'xray:UpdateGroup', 'xray:DeleteGroup'), [], ''],
  ['one is missing', session('xray:CreateGroup', 'xray:UpdateGroup'), ['delete'], 'You may not delete groups: that takes the action xray:DeleteGroup, which the role admin has.'],
  ['two are', session('xray:CreateGroup'), ['change', 'delete'], 'You may not change or delete groups: that takes the actions xray:UpdateGroup and xray:DeleteGroup, which the role admin has.'],
  ['all are', session('xray:GetGroups'), ['create', 'change', 'delete'], 'You may not create, change or delete groups: that takes the actions xray:CreateGroup, xray:UpdateGroup and xray:DeleteGroup, which the role admin has.'],
  ['the session has ended', { Needed: true, Session: null }, ['create', 'change', 'delete'], expect.stringContaining('You may not create, change or delete groups')],
])('where %s', (_, who, missing, text) => {
  const rights = rightsOf(who, wanted)
  expect(rights.missing.map(({ verb }) => verb)).toEqual(missing)
  expect(rights.may).toEqual(Object.fromEntries(Object.keys(wanted).map((verb) => [verb, !missing.includes(verb)])))
  expect(missingText(rights, 'groups')).toEqual(text)
})
