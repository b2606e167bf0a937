import type { IconName } from '../ui/Icon'

/** A page in the navigation. */
interface Entry {
  path: '/' | '/traces' | '/analytics' | '/insights' | '/settings' | '/groups' | '/sampling' | '/status'
  label: string
  icon: IconName
  /** Goes there after g. */
  key: string
}

/** The pages, in the order in which they are listed. */
export const navigation: readonly Entry[] = [
  { path: '/', label: 'Trace map', icon: 'map', key: 'm' },
  { path: '/traces', label: 'Traces', icon: 'traces', key: 't' },
  { path: '/analytics', label: 'Analytics', icon: 'analytics', key: 'a' },
  { path: '/insights', label: 'Insights', icon: 'insights', key: 'i' },
  { path: '/groups', label: 'Groups', icon: 'groups', key: 'g' },
  { path: '/sampling', label: 'Sampling', icon: 'sampling', key: 's' },
  { path: '/settings', label: 'Settings', icon: 'settings', key: 'e' },
  { path: '/status', label: 'Status', icon: 'status', key: 'u' },
]
