import type { Group } from '../api/xray'

/** The group of every trace, which always is there. */
export const defaultGroup = 'Default'

/** watchedGroups are the groups whose insights are enabled, of one chosen if there is one. */
export function watchedGroups(groups: readonly Group[], chosen: string | undefined): string[] {
  return groups.filter((group) => group.InsightsConfiguration.InsightsEnabled && (!chosen || group.GroupName === chosen)).map((group) => group.GroupName)
}
