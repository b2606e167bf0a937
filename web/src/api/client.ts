/**
 * An exception of the server. `name` is X-Ray's word for it, such as
 * InvalidRequestException; `status` is 0 where no answer came at all.
 */
export class ApiError extends Error {
  constructor(
    override readonly name: string,
    readonly status: number,
    message: string,
    readonly requestId: string | null = null,
  ) {
    super(message)
  }
}

/** The media type of answers that tell their progress; docs/console-api.md. */
export const progressType = 'application/x-ndjson'

interface Exception {
  __type?: string
  Message?: string
  message?: string
}

/** post asks an operation, or a question of the console. */
export async function post<Answer>(path: string, request: object, signal?: AbortSignal): Promise<Answer> {
  const answer = await send(path, { method: 'POST', body: JSON.stringify(request), headers: { 'Content-Type': 'application/json' } }, signal)
  return (await answer.json()) as Answer
}

/** get reads a page of the server that is no operation. */
export async function get<Answer>(path: string, signal?: AbortSignal): Promise<Answer> {
  const answer = await send(path, { headers: { Accept: 'application/json' } }, signal)
  return (await answer.json()) as Answer
}

/** What the server says to who did not sign in, or whose session has ended. */
const strangers: ReadonlySet<string> = new Set(['MissingAuthenticationTokenException', 'ExpiredTokenException', 'IncompleteSignatureException'])

const signedOutListeners = new Set<() => void>()

/** onSignedOut hears when the server asks who this is. It returns how to stop. */
export function onSignedOut(heard: () => void): () => void {
  signedOutListeners.add(heard)
  return () => signedOutListeners.delete(heard)
}

/** send is fetch with the server's exceptions thrown. */
export async function send(path: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  let answer: Response
  const headers = new Headers(init.headers)
  headers.set('X-Tomo-Console', '1') // pages of other sites cannot send it; docs/security.md
  try {
    answer = await fetch(path, { ...init, headers, ...(signal ? { signal } : {}) })
  } catch (reason) {
    if (reason instanceof DOMException && reason.name === 'AbortError') throw reason
    throw new ApiError('Unreachable', 0, 'The server does not answer. It may be stopped, or the network between is broken.')
  }
  if (answer.ok) return answer
  const said = await answer.json().then(
    (body: Exception) => body,
    () => ({}) as Exception,
  )
  const name = answer.headers.get('x-amzn-ErrorType') ?? said.__type ?? `HTTP ${answer.status}`
  if (strangers.has(name)) for (const heard of signedOutListeners) heard()
  throw new ApiError(
    name,
    answer.status,
    said.Message ?? said.message ?? answer.statusText,
    answer.headers.get('x-amzn-RequestId'),
  )
}
