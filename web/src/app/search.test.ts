import { expect, test } from 'vitest'
import { parseSearch, printSearch, scopeOf } from './search'

test.each([
  {},
  { since: '5m', group: 'shop', refresh: '30s' },
  { from: '2026-01-05T10:00:00Z', to: '2026-01-05T11:00:00Z' },
  { filter: 'service("a & b") { fault } # ünï?', view: 'table' },
  { since: '42' },
])('searches come back: %j', (search) => expect(parseSearch(printSearch(search))).toEqual(search))

test('what is not there is not printed', () => expect(printSearch({ group: undefined, since: '', view: null })).toBe(''))

test.each([
  [{ since: 'soon', group: '', refresh: '1s', other: 'x' }, {}],
  [{ since: '5m', from: '2026-01-05T10:00:00Z', to: '2026-01-05T11:00:00Z' }, { from: '2026-01-05T10:00:00Z', to: '2026-01-05T11:00:00Z' }],
  [{ since: '5m', from: '2026-01-05T10:00:00Z' }, { since: '5m' }],
  [{ group: 'shop', refresh: '1m' }, { group: 'shop', refresh: '1m' }],
])('scopeOf(%j)', (raw, want) => expect(scopeOf(raw)).toEqual(want))
