import { expect, test } from 'vitest'
import { shell } from './shell'

test.each([
  ['plain-1.0/x', 'plain-1.0/x'],
  ['', "''"],
  ['$(x)', "'$(x)'"],
  ["'", `''\\'''`],
])('shell(%s)', (word, want) => expect(shell(word)).toBe(want))
