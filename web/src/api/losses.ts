import { get } from './client'

/** What was sent to the server and is not, or no longer, to be seen; docs/console-api.md. */
export interface Losses {
  /** documents by reason, since the server started */
  Counts: Record<string, number>
  Recent: { Code: string; Count: number; Detail: string; Id: string; Reason: string; Source: string; Time: number; Trace: string }[]
}

export async function getLosses(signal?: AbortSignal): Promise<Losses> {
  return get<Losses>('/console/api/losses', signal)
}
