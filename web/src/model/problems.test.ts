import { describe, expect, test } from 'vitest'
import { ApiError } from '../api/client'
import { problemsOf } from './problems'

const members = ['RuleName', 'Priority', 'FixedRate', 'Attributes', 'Host']
const refused = (message: string, name = 'InvalidRequestException') => new ApiError(name, 400, message)

describe('problemsOf', () => {
  test.each([
    [
      'puts violations of the model at their members',
      refused(
        "3 validation errors detected: Value '0' at 'samplingRule.priority' failed to satisfy constraint: Member must have value greater than or equal to 1; Value 'it's' at 'samplingRule.host' failed to satisfy constraint: Member must have length less than or equal to 64; Value null at 'samplingRule.version' failed to satisfy constraint: Member must not be null",
        'ValidationException',
      ),
      { members: { Priority: 'It must have value greater than or equal to 1', Host: 'It must have length less than or equal to 64' }, rest: 'samplingRule.version: Member must not be null' },
    ],
    ['reads what begins with a member', refused('Priority is 0; it is 1 to 9999'), { members: { Priority: 'Priority is 0; it is 1 to 9999' }, rest: '' }],
    ['also behind the words of an update', refused('Invalid update request for sampling rule: FixedRate is 2; it is 0 to 1'), { members: { FixedRate: 'FixedRate is 2; it is 0 to 1' }, rest: '' }],
    ['and about keys', refused('a key of Attributes has 40 characters; it has 1 to 32'), { members: { Attributes: 'a key of Attributes has 40 characters; it has 1 to 32' }, rest: '' }],
    ['knows other words', refused('Sampling rule already exists'), { members: { RuleName: 'Sampling rule already exists' }, rest: '' }],
    ['tells the rest as a whole', refused('Rate exceeded', 'ThrottledException'), { members: {}, rest: 'Rate exceeded' }],
  ])('%s', (_, error, want) => {
    expect(problemsOf(error, members, [[/already exists/, 'RuleName']])).toEqual(want)
  })

  test('does not take errors of other kinds for ones of members', () => {
    expect(problemsOf(new TypeError('Priority broke'), members)).toEqual({ members: {}, rest: 'Priority broke' })
    expect(problemsOf('no', members)).toEqual({ members: {}, rest: 'no' })
  })
})
