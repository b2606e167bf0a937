import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useId, useState } from 'react'
import { analyse } from '../../api/analysis'
import { createGroup, getTags, setTags, updateGroup, type Tag } from '../../api/groups'
import type { Group } from '../../api/xray'
import { groupsChanged } from '../../app/asked'
import { Missing, useRights } from '../../app/Rights'
import { FilterEditor } from '../../editor/FilterEditor'
import { count, percent } from '../../model/format'
import { defaultGroup } from '../../model/groups'
import { noProblems, problemsOf } from '../../model/problems'
import { windowOf } from '../../model/time'
import { Button } from '../../ui/Button'
import { Code } from '../../ui/Code'
import { Dialog } from '../../ui/Dialog'
import { Frame, Switch, TextField } from '../../ui/Field'
import { Pairs, type Pair } from '../../ui/Pairs'
import { Notice } from '../../ui/State'
import { toast } from '../../ui/Toasts'
import { groupActions, nameProblem } from './model'
import css from './groups.module.css'

interface GroupDialogProps {
  /** null: a new one. */
  group: Group | null
  groups: readonly Group[]
  /** The filter at first. */
  filter: string
  onClose: () => void
}

const members = ['GroupName', 'FilterExpression', 'Tags', 'InsightsConfiguration']

/** By what messages that name no member are recognised. */
const words: [RegExp, string][] = [
  [/Error Location|Filter Expression|circle/, 'FilterExpression'],
  [/Group (name|already)|group name|groups already/, 'GroupName'],
  [/Tag|tag/, 'Tags'],
  [/Notifications/, 'InsightsConfiguration'],
]

/** Creates a group, or changes one. */
export function GroupDialog({ group, groups, filter: before, onClose }: GroupDialogProps) {
  const [name, setName] = useState(group?.GroupName ?? '')
  const [filter, setFilter] = useState(before)
  const [wrong, setWrong] = useState('')
  const [insights, setInsights] = useState(group?.InsightsConfiguration.InsightsEnabled ?? true)
  const [notifications, setNotifications] = useState(group?.InsightsConfiguration.NotificationsEnabled ?? false)
  const [tags, setTagPairs] = useState<Pair[] | null>(group ? null : [])
  const [problems, setProblems] = useState(noProblems)
  const [busy, setBusy] = useState(false)
  const isDefault = group?.GroupName === defaultGroup
  const known = useQuery({ queryKey: ['tags', group?.GroupARN], queryFn: ({ signal }) => getTags(group!.GroupARN, signal), enabled: group !== null, staleTime: 0 })
  const shown = tags ?? (known.data ?? []).map((tag) => ({ key: tag.Key, value: tag.Value }))
  const badName = group ? null : nameProblem(name, groups)
  const rights = useRights<string>(group ? { change: groupActions.change } : { create: groupActions.create })
  const ready = !busy && rights.missing.length === 0 && badName === null && (isDefault || (filter.trim() !== '' && wrong === '')) && (group === null || known.data !== undefined || tags === null)

  const save = async () => {
    setBusy(true)
    setProblems(noProblems)
    const wanted: Tag[] = shown.filter((pair) => pair.key !== '').map((pair) => ({ Key: pair.key, Value: pair.value }))
    const configuration = { InsightsEnabled: insights, NotificationsEnabled: insights && notifications }
    try {
      if (group) {
        await updateGroup(group.GroupName, isDefault ? null : filter.trim(), configuration)
        if (tags !== null) await setTags(group.GroupARN, known.data ?? [], wanted)
      } else {
        await createGroup(name, filter.trim(), configuration, wanted)
      }
    } catch (reason) {
      setProblems(problemsOf(reason, members, words))
      setBusy(false)
      return
    }
    await groupsChanged()
    toast(group ? `The group ${group.GroupName} is changed.` : `The group ${name} is created. Traces that settle from now on join it.`)
    onClose()
  }

  return (
    <Dialog
      title={group ? `Edit the group ${group.GroupName}` : 'Create a group'}
      open
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" isDisabled={!ready} onPress={() => void save()}>
            {group ? 'Save' : 'Create the group'}
          </Button>
        </>
      }
    >
      <div className={css.form}>
        <Missing rights={rights} things="groups" />
        {problems.rest && <Notice look="warning">{problems.rest}</Notice>}
        {!group && <TextField label="Name" value={name} onChange={setName} autoFocus problem={(name === '' ? undefined : badName) ?? problems.members['GroupName']} hint="1 to 32 letters, digits, - and _. It cannot change." />}
        {isDefault ? (
          <p className="quiet">Default holds every trace. It has no filter, cannot be deleted, and is what is asked about where no group is named.</p>
        ) : (
          <Frame label="Filter" problem={wrong || problems.members['FilterExpression']}>
            <FilterEditor label="Filter expression" hint='Try: service("shop") { fault }' value={filter} onChange={setFilter} onProblem={(problem) => setWrong(problem?.Message ?? '')} />
          </Frame>
        )}
        {!isDefault && <Matches filter={filter} wrong={wrong !== ''} />}
        {group && !isDefault && filter.trim() !== before && (
          <Notice>A changed filter counts for traces that settle from now on. What is in the group stays, what would be in it now does not join; graphs over a time with both filters say so. What is usual is learned anew for insights.</Notice>
        )}
        <Switch label="Insights" checked={insights} onChange={setInsights} hint="What is usual for each service of the group is learned, and what is clearly beyond it is told with its root cause." />
        <Switch
          label="Notifications"
          checked={insights && notifications}
          disabled={!insights}
          onChange={setNotifications}
          hint={problems.members['InsightsConfiguration'] ?? 'The webhook of the server is told of insights, if there is one: --insights-webhook.'}
        />
        <Frame label="Tags" problem={problems.members['Tags']} hint="For those who manage groups by tags; up to 50.">
          <Pairs name="Tag" pairs={shown} onChange={setTagPairs} most={50} />
        </Frame>
        {group && (
          <Code line text={group.GroupARN} label="Copy the ARN" />
        )}
      </div>
    </Dialog>
  )
}

/** How long nothing must be typed before it is asked, in milliseconds. */
const patience = 350

/** How many traces of the last hour match. */
function Matches({ filter, wrong }: { filter: string; wrong: boolean }) {
  const id = useId()
  const [asked, setAsked] = useState(filter)
  useEffect(() => {
    const timer = setTimeout(() => setAsked(filter), patience)
    return () => clearTimeout(timer)
  }, [filter])
  const text = asked.trim()
  const matches = useQuery({
    queryKey: ['matches', id, text],
    queryFn: ({ signal }) => analyse({ window: windowOf({ kind: 'last', seconds: 3600 }, Date.now() / 1000), filter: text }, signal),
    enabled: text !== '' && !wrong,
    placeholderData: keepPreviousData,
    retry: false,
  })
  const set = matches.data?.Sets[0]
  const stale = asked !== filter || matches.isFetching
  return (
    <div className={css.matches} role="status" aria-busy={stale}>
      {text === '' ? (
        'A filter says which traces belong to the group.'
      ) : wrong ? (
        'When the filter can be read, it is tried here.'
      ) : matches.isError ? (
        `It cannot be tried: ${matches.error.message}`
      ) : !set ? (
        'Trying it on the traces of the last hour…'
      ) : (
        <>
          <b>{count(set.TotalCount)}</b> of the last hour’s {count(matches.data!.TotalCount)} traces match
          {matches.data!.TotalCount > 0 && <> ({percent(set.TotalCount / matches.data!.TotalCount)})</>}
          {set.TotalCount > 0 && <>, {percent(set.FaultCount / set.TotalCount)} of them with a fault</>}.
          {matches.data!.DroppedCount > 0 && <> {count(matches.data!.DroppedCount)} more were dropped by keep rules and cannot be tried.</>}
          <span className={css.meter} aria-hidden="true">
            <span style={{ width: `${matches.data!.TotalCount > 0 ? (100 * set.TotalCount) / matches.data!.TotalCount : 0}%` }} />
          </span>
        </>
      )}
    </div>
  )
}
