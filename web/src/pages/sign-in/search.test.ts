import { expect, test } from 'vitest'
import { signInSearch, wayBack } from './search'

test.each([
  ['/traces?filter=fault', '/traces?filter=fault'],
  ['/traces/1-57ff426a-80c11c39b0c928905eb0828d#log', '/traces/1-57ff426a-80c11c39b0c928905eb0828d#log'],
  ['/', '/'],
  [undefined, '/'],
  ['', '/'],
  ['traces', '/'],
  ['//evil.example/', '/'],
  ['///evil.example/', '/'],
  ['/\\evil.example/', '/'],
  ['/\t/evil.example', '/'],
  ['\t//evil.example', '/'],
  ['/..//evil.example', '/'],
  ['/.//evil.example', '/'],
  ['/a/..//evil.example', '/'],
  ['https://evil.example/', '/'],
  ['javascript:alert(1)', '/'],
  ['/javascript:alert(1)', '/javascript:alert(1)'],
  ['//[', '/'],
  ['/sign-in?next=/sign-in', '/'],
  ['/traces\n', '/traces'],
])('the way back from %j is %s', (next, way) => {
  expect(wayBack(next)).toBe(way)
  expect(signInSearch({ next })).toStrictEqual({ next: way === '/' ? undefined : way })
})
