import { send } from './client'

/** put replaces a page of the console. */
export async function put<Answer>(path: string, request: object, signal?: AbortSignal): Promise<Answer> {
  const answer = await send(path, { method: 'PUT', body: JSON.stringify(request), headers: { 'Content-Type': 'application/json' } }, signal)
  return (await answer.json()) as Answer
}
