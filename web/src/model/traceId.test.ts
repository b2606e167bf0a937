import { expect, test } from 'vitest'
import { parseTraceId, timeOf, w3cId } from './traceId'

const trace = '1-581cf771-a006649127e371903a2de979'

test.each([
  [trace, { trace }],
  [`  ${trace.toUpperCase()}\n`, { trace }],
  [`"${trace}",`, { trace }],
  ['581cf771a006649127e371903a2de979', { trace }],
  ['00-581cf771a006649127e371903a2de979-53995c3f42cd8ad8-01', { trace, span: '53995c3f42cd8ad8' }],
  [`Root=${trace};Parent=53995c3f42cd8ad8;Sampled=1`, { trace, span: '53995c3f42cd8ad8' }],
  [`X-Amzn-Trace-Id: Self=1-581cf771-000000000000000000000000;Root=${trace}`, { trace }],
  ['', null],
  ['1-581cf771-a006649127e371903a2de97', null],
  ['2-581cf771-a006649127e371903a2de979', null],
  ['581cf771a006649127e371903a2de97g', null],
  ['fault AND responsetime > 1', null],
  [`service("Root=${trace}x")`, null],
])('parseTraceId(%j)', (text, want) => expect(parseTraceId(text)).toEqual(want))

test('an id is written as others write it', () => expect(w3cId(trace)).toBe('581cf771a006649127e371903a2de979'))

test('the time in an id counts where it is one', () => {
  const at = 0x581cf771
  expect(timeOf(trace, at + 60)).toBe(at)
  expect(timeOf(trace, at + 500 * 86_400)).toBeNull()
  expect(timeOf('1-ffffffff-a006649127e371903a2de979', at)).toBeNull()
})
