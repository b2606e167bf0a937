/** What the server says of a request: by the member that it is about, and what is about none. */
export interface Problems {
  members: Readonly<Record<string, string>>
  rest: string
}

/** messageOf is what to tell of something that was thrown. */
export function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}

export const noProblems: Problems = { members: {}, rest: '' }

/**
 * problemsOf finds the members that an error is about, so that each message stands at
 * its field. Messages of X-Ray's model name them as 'samplingRule.priority', those of
 * Tomo begin with their names. `words` tells by what else a member is recognised.
 */
export function problemsOf(error: unknown, members: readonly string[], words: readonly (readonly [RegExp, string])[] = []): Problems {
  const message = messageOf(error)
  if (!(error instanceof Error && 'status' in error)) return { members: {}, rest: message } // not of the server
  const found: Record<string, string> = {}
  const unplaced: string[] = []
  const violations = [...message.matchAll(/Value (?:null|'[\s\S]*?') at '([^']*)' failed to satisfy constraint: (Member must [^;]*)/g)]
  for (const [, place, must] of violations) {
    const member = members.find((one) => place!.split('.').some((part) => part.toLowerCase() === one.toLowerCase()))
    if (member) found[member] ??= must!.replace(/^Member must/, 'It must')
    else unplaced.push(`${place}: ${must}`)
  }
  if (violations.length > 0) return { members: found, rest: unplaced.join('; ') }
  const plain = message.replace(/^Invalid update request for [a-z ]+: /, '')
  const named = members.find((one) => new RegExp(`^(a key of )?${one}\\b`).test(plain)) ?? words.find(([pattern]) => pattern.test(message))?.[1]
  return named ? { members: { [named]: plain }, rest: '' } : { members: {}, rest: message }
}
