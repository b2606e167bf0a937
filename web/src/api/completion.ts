import { post } from './client'
import type { Window } from './xray'

/** A way to go on with an expression. */
export interface Suggestion {
  /** Traces that have it, of those that were looked at; null where that is not known. */
  Count: number | null
  Doc: string
  Kind: 'keyword' | 'operator' | 'service' | 'key' | 'value' | 'group'
  Label: string
  /** What to put there. */
  Text: string
}

/** What is wrong with a text. */
export interface Problem {
  /** in UTF-16 code units */
  At: number
  Message: string
}

export interface Completion {
  From: number
  To: number
  Problem: Problem | null
  Suggestions: Suggestion[]
}

export interface CompletionQuestion {
  text: string
  /** in UTF-16 code units */
  cursor: number
  window?: Window | undefined
  limit?: number
}

/** complete says how a filter expression may go on, and what is wrong with it; docs/console-api.md. */
export async function complete({ text, cursor, window, limit }: CompletionQuestion, signal?: AbortSignal): Promise<Completion> {
  return post<Completion>(
    '/console/api/completion',
    { Text: text, Cursor: cursor, ...(window ? { StartTime: window.start, EndTime: window.end } : {}), ...(limit ? { Limit: limit } : {}) },
    signal,
  )
}
