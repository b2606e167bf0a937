/** A trace that somebody looked at in this browser. */
export interface RecentTrace {
  id: string
  /** What it is: GET /checkout. */
  title: string
  /** When it began, in seconds since 1970. */
  start: number
}

const key = 'tomo.traces'
const most = 12

/** recentTraces lists the traces that were looked at, the latest first. */
export function recentTraces(): RecentTrace[] {
  try {
    const kept = JSON.parse(localStorage.getItem(key) ?? '[]') as unknown
    return Array.isArray(kept) ? kept.filter((one): one is RecentTrace => typeof one?.id === 'string' && typeof one?.title === 'string' && typeof one?.start === 'number') : []
  } catch {
    return []
  }
}

/** rememberTrace puts a trace first. */
export function rememberTrace(trace: RecentTrace): void {
  localStorage.setItem(key, JSON.stringify([trace, ...recentTraces().filter((one) => one.id !== trace.id)].slice(0, most)))
}
