import { expect, test } from 'vitest'
import { tokenAt, type Token } from './language'

function tokens(text: string): [string, Token][] {
  const found: [string, Token][] = []
  for (let at = 0; at < text.length; ) {
    const { token, length } = tokenAt(text.slice(at))
    expect(length).toBeGreaterThan(0)
    if (token) found.push([text.slice(at, at + length), token])
    at += length
  }
  return found
}

test.each<[string, [string, Token][]]>([
  [
    'service("shop \\"x\\"") { fault }',
    [
      ['service', 'keyword'],
      ['(', 'bracket'],
      ['"shop \\"x\\""', 'string'],
      [')', 'bracket'],
      ['{', 'bracket'],
      ['fault', 'variableName'],
      ['}', 'bracket'],
    ],
  ],
  [
    'responsetime >= 1.5e-3 AND !http.status != 200',
    [
      ['responsetime', 'variableName'],
      ['>=', 'operator'],
      ['1.5e-3', 'number'],
      ['AND', 'operatorKeyword'],
      ['!', 'operator'],
      ['http.status', 'variableName'],
      ['!=', 'operator'],
      ['200', 'number'],
    ],
  ],
  ['annotation.tier = "gold', [['annotation.tier', 'propertyName'], ['=', 'operator'], ['"gold', 'string']]],
  ['rootcause.fault.service contains true', [['rootcause.fault.service', 'keyword'], ['contains', 'operatorKeyword'], ['true', 'bool']]],
  ['§ ü', [['ü', 'variableName']]],
])('%s', (text, want) => expect(tokens(text)).toEqual(want))
