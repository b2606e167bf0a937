import { defaultGroup } from '../model/groups'
import { printSpan } from '../model/time'
import { IconButton } from '../ui/Button'
import { Icon } from '../ui/Icon'
import { Select, type Choice } from '../ui/Select'
import { useGroups } from './asked'
import { RangePicker } from './RangePicker'
import { useShortcuts } from './keys'
import { useScope } from './scope'
import css from './Shell.module.css'

const everything = ''
const never = ''

/** What a page is about, to choose: group, time, and how often to look again. */
export function ScopeBar({ grouped = true }: { grouped?: boolean }) {
  const { range, group, every, setGroup, setEvery, refresh } = useScope()
  const groups = useGroups()
  useShortcuts('Everywhere', [{ keys: 'r', does: 'Refresh', run: refresh }])
  const choices: Choice<string>[] = [{ value: everything, label: 'All traces' }]
  for (const one of groups.data ?? []) {
    if (one.GroupName !== defaultGroup) choices.push({ value: one.GroupName, label: one.GroupName, note: one.FilterExpression ?? '' })
  }
  if (group && !choices.some((choice) => choice.value === group)) choices.push({ value: group, label: group })
  return (
    <div className={css.scope} role="group" aria-label="What is shown">
      {grouped && <Select label="Group" labelled value={group ?? everything} choices={choices} onChange={(value) => setGroup(value || undefined)} />}
      <RangePicker />
      <Select
        label="Refresh by itself"
        icon={<Icon name="refresh" size={14} />}
        value={every === null ? never : printSpan(every)}
        choices={[{ value: never, label: 'Off', ...(range.kind === 'between' ? { note: 'a time from–to stays as it is' } : {}) }, ...(range.kind === 'last' ? refreshes : [])]}
        onChange={(value) => setEvery(value || undefined)}
      />
      <IconButton label="Refresh" shortcut="r" look="plain" icon={<Icon name="refresh" />} onPress={refresh} />
    </div>
  )
}

const refreshes: Choice<string>[] = [
  { value: '10s', label: 'Every 10 s' },
  { value: '30s', label: 'Every 30 s' },
  { value: '1m', label: 'Every minute' },
  { value: '5m', label: 'Every 5 min' },
]
