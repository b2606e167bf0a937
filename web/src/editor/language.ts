// The colours of filter expressions. What they mean, the server says.
import { HighlightStyle, StreamLanguage } from '@codemirror/language'
import { tags } from '@lezer/highlight'

/** The kinds of a token, as far as colours tell them apart. */
export type Token = 'string' | 'number' | 'bool' | 'operatorKeyword' | 'operator' | 'keyword' | 'propertyName' | 'variableName' | 'bracket'

/** Words that take a selector, or brackets. */
const selectors = new Set(['service', 'edge', 'id', 'group', 'rootcause', 'json'])
const words = new Set(['and', 'or', 'not', 'contains', 'beginswith', 'endswith'])

/** tokenAt is the token at the start of a text, and how long it is; null is what is none, such as a space. */
export function tokenAt(text: string): { token: Token | null; length: number } {
  const match = (pattern: RegExp): number => pattern.exec(text)?.[0].length ?? 0
  const found = (token: Token | null, length: number) => ({ token, length })
  let length = match(/^"(?:\\.|[^"\\])*"?/)
  if (length) return found('string', length)
  length = match(/^-?\d+(\.\d*)?(e[+-]?\d+)?/i)
  if (length) return found('number', length)
  length = match(/^(?:!=|<=|>=|[=<>!])/)
  if (length) return found('operator', length)
  length = match(/^[(){}[\],:]/)
  if (length) return found('bracket', length)
  length = match(/^[\p{L}_][\p{L}\p{N}_.-]*/u)
  if (length) {
    const word = text.slice(0, length).toLowerCase()
    if (words.has(word)) return found('operatorKeyword', length)
    if (word === 'true' || word === 'false') return found('bool', length)
    if (word.startsWith('annotation')) return found('propertyName', length)
    return found(selectors.has(word.split('.')[0]!) ? 'keyword' : 'variableName', length)
  }
  return found(null, match(/^\s+/) || 1)
}

export const filterLanguage = StreamLanguage.define<null>({
  name: 'filter',
  startState: () => null,
  token: (stream) => {
    const { token, length } = tokenAt(stream.string.slice(stream.pos))
    stream.pos += length
    return token
  },
  languageData: { closeBrackets: { brackets: ['(', '{', '[', '"'] } },
})

export const filterColours = HighlightStyle.define([
  { tag: tags.string, color: 'var(--ok-text)' },
  { tag: [tags.number, tags.bool], color: 'var(--error-text)' },
  { tag: tags.operatorKeyword, color: 'var(--throttle-text)', fontWeight: '600' },
  { tag: tags.operator, color: 'var(--throttle-text)' },
  { tag: tags.keyword, color: 'var(--accent-text)', fontWeight: '600' },
  { tag: tags.propertyName, color: 'var(--accent-text)' },
  { tag: tags.variableName, color: 'var(--text)' },
  { tag: tags.bracket, color: 'var(--text-2)' },
])
