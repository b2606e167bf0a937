import type { Group, HistogramEntry, Period } from '../../api/xray'
import { addFigures, figuresOf, noFigures, type Figures } from '../../model/outcome'
import { mergeHistograms } from '../../model/histogram'

/** What can be done with groups, and the actions that it takes. */
export const groupActions = { create: 'xray:CreateGroup', change: 'xray:UpdateGroup', delete: 'xray:DeleteGroup' }

/** What a group had in a window. */
export interface GroupFigures {
  figures: Figures
  response: HistogramEntry[]
  buckets: { start: number; figures: Figures }[]
  /** The group had another filter in some of the time. */
  old: boolean
}

/** groupFigures adds up the periods of a series. */
export function groupFigures(periods: readonly Period[], period: number, old: boolean): GroupFigures {
  let figures = noFigures
  let response: HistogramEntry[] = []
  const buckets = periods.map((one) => {
    const of = figuresOf(one.EdgeSummaryStatistics ?? one.ServiceSummaryStatistics)
    figures = addFigures(figures, of)
    response = mergeHistograms(response, one.ResponseTimeHistogram ?? [])
    return { start: one.Timestamp - period, figures: of }
  })
  return { figures, response, buckets, old }
}

/** found are the groups whose name or filter contains a text; Default first, as the server lists them. */
export function found(groups: readonly Group[], text: string): Group[] {
  const wanted = text.trim().toLowerCase()
  return groups.filter((group) => wanted === '' || group.GroupName.toLowerCase().includes(wanted) || (group.FilterExpression ?? '').toLowerCase().includes(wanted))
}

/** nameProblem says what is wrong with the name of a new group; null if nothing is. X-Ray's rules, as the server has them. */
export function nameProblem(name: string, groups: readonly Group[]): string | null {
  if (name === '') return 'A group needs a name.'
  if (name.length > 32) return `It has ${name.length} characters; the limit is 32.`
  if (!/^[A-Za-z0-9_-]+$/.test(name)) return 'Letters, digits, - and _ only.'
  if (groups.some((group) => group.GroupName === name)) return 'There is a group of that name.'
  return null
}
