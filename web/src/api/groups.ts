import { post } from './client'
import type { Group, Period, Window } from './xray'

export interface Tag {
  Key: string
  Value: string
}

export interface Insights {
  InsightsEnabled: boolean
  NotificationsEnabled: boolean
}

export async function createGroup(name: string, filter: string, insights: Insights, tags: readonly Tag[]): Promise<Group> {
  return (await post<{ Group: Group }>('/CreateGroup', { GroupName: name, FilterExpression: filter, InsightsConfiguration: insights, ...(tags.length > 0 ? { Tags: tags } : {}) })).Group
}

/** updateGroup changes a group. The filter is given each time, but for Default, which has none. */
export async function updateGroup(name: string, filter: string | null, insights: Insights): Promise<Group> {
  return (await post<{ Group: Group }>('/UpdateGroup', { GroupName: name, ...(filter === null ? {} : { FilterExpression: filter }), InsightsConfiguration: insights })).Group
}

export async function deleteGroup(name: string): Promise<void> {
  await post('/DeleteGroup', { GroupName: name })
}

export interface GroupSeries {
  periods: Period[]
  /** The group had another filter in some of the time. */
  old: boolean
}

interface SeriesPage {
  ContainsOldGroupVersions: boolean
  NextToken: string | null
  TimeSeriesServiceStatistics: Period[]
}

/** getGroupSeries lists the periods in which requests of clients came that are of the group, oldest first. */
export async function getGroupSeries(window: Window, period: 60 | 300, group: string, signal?: AbortSignal): Promise<GroupSeries> {
  const request = { StartTime: window.start, EndTime: window.end, Period: period, GroupName: group }
  const series: GroupSeries = { periods: [], old: false }
  let token: string | null = null
  do {
    const page: SeriesPage = await post('/TimeSeriesServiceStatistics', token ? { ...request, NextToken: token } : request, signal)
    series.periods.push(...page.TimeSeriesServiceStatistics)
    series.old ||= page.ContainsOldGroupVersions
    token = page.NextToken
  } while (token)
  series.periods.sort((a, b) => a.Timestamp - b.Timestamp)
  return series
}

/** getTags lists the tags of a group or a sampling rule. */
export async function getTags(arn: string, signal?: AbortSignal): Promise<Tag[]> {
  return (await post<{ Tags: Tag[] }>('/ListTagsForResource', { ResourceARN: arn }, signal)).Tags
}

/** setTags makes the tags of a resource what they shall be. */
export async function setTags(arn: string, before: readonly Tag[], after: readonly Tag[]): Promise<void> {
  const gone = before.filter((tag) => !after.some((other) => other.Key === tag.Key)).map((tag) => tag.Key)
  const changed = after.filter((tag) => !before.some((other) => other.Key === tag.Key && other.Value === tag.Value))
  if (gone.length > 0) await post('/UntagResource', { ResourceARN: arn, TagKeys: gone })
  if (changed.length > 0) await post('/TagResource', { ResourceARN: arn, Tags: changed })
}
