import { expect, test } from 'vitest'
import type { IssuedCredential } from '../../api/credentials'
import { actionsOf, exportsOf, standingOf, type Role } from './credentials.model'

test.each<[Role[], string, string[]]>([
  [[], '', []],
  [['write', 'read'], '', ['read', 'write']],
  [['read'], 'xray:PutTraceSegments', ['read', 'xray:PutTraceSegments']],
  [[], ' xray:Get*,\n\ttomo:*  xray:Get* ', ['xray:Get*', 'tomo:*']],
  [['admin'], 'admin', ['admin']],
])('%j and %j are the actions %j', (chosen, typed, actions) => {
  expect(actionsOf(new Set(chosen), typed)).toEqual(actions)
})

const credential = { AccessKeyId: 'TOMOA', Name: 'ci', Tenant: 'default', Actions: ['read'], Created: 1, Expires: null, Temporary: false, Yours: false }

test('a new credential as a shell takes it', () => {
  const issued: IssuedCredential = { Credential: credential, SecretAccessKey: 's', SessionToken: '' }
  expect(exportsOf(issued)).toBe('export AWS_ACCESS_KEY_ID=TOMOA\nexport AWS_SECRET_ACCESS_KEY=s')
  expect(exportsOf({ ...issued, SessionToken: 't' })).toBe('export AWS_ACCESS_KEY_ID=TOMOA\nexport AWS_SECRET_ACCESS_KEY=s\nexport AWS_SESSION_TOKEN=t')
})

test('how long a credential works', () => {
  expect(standingOf({ Expires: null }, 5)).toEqual({ kind: 'for ever' })
  expect(standingOf({ Expires: 6 }, 5)).toEqual({ kind: 'until', end: 6 })
  expect(standingOf({ Expires: 5 }, 5)).toEqual({ kind: 'over', end: 5 })
})
