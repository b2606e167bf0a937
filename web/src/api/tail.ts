import { post, send } from './client'
import type { Seconds, TraceSummaries, Window } from './xray'

/** getReceived reads one page of the traces of which something was received in a window. */
export async function getReceived(window: Window, filter: string, token: string | undefined, signal?: AbortSignal): Promise<TraceSummaries> {
  return post<TraceSummaries>(
    '/TraceSummaries',
    { StartTime: window.start, EndTime: window.end, TimeRangeType: 'Event', ...(filter ? { FilterExpression: filter } : {}), ...(token ? { NextToken: token } : {}) },
    signal,
  )
}

/** serverTime is the server's clock, to the second. Receipt is told by it, and the browser's may be another. */
export async function serverTime(signal?: AbortSignal): Promise<Seconds> {
  const answer = await send('/healthz', { cache: 'no-store' }, signal)
  const milliseconds = Date.parse(answer.headers.get('Date') ?? '')
  return (Number.isFinite(milliseconds) ? milliseconds : Date.now()) / 1000
}
