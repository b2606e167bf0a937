import type { Session } from '../api/session'
import { listed } from '../model/format'
import { Notice } from '../ui/State'
import { useSignedIn } from './session'

/** What a page offers to do, and the action that each needs: { create: 'xray:CreateGroup' }. */
type Wanted<Verb extends string> = Readonly<Record<Verb, string>>

/** What of it who is here may do. */
export interface Rights<Verb extends string> {
  may: Readonly<Record<Verb, boolean>>
  /** What is refused, in the order in which it was wanted. */
  missing: readonly { verb: Verb; action: string }[]
}

/** rightsOf holds what a page offers against what a session allows. Where nobody has to sign in everybody may everything. */
export function rightsOf<Verb extends string>(who: { Needed: boolean; Session: Pick<Session, 'Allowed'> | null } | null, wanted: Wanted<Verb>): Rights<Verb> {
  const allowed = (action: string) => !who?.Needed || (who.Session?.Allowed.includes(action) ?? false)
  const all = (Object.entries(wanted) as [Verb, string][]).map(([verb, action]) => ({ verb, action, may: allowed(action) }))
  return { may: Object.fromEntries(all.map(({ verb, may }) => [verb, may])) as Record<Verb, boolean>, missing: all.filter(({ may }) => !may) }
}

/** useRights tells what who is here may do of what a page offers. The server decides; this is not to offer what it would refuse. */
export function useRights<Verb extends string>(wanted: Wanted<Verb>): Rights<Verb> {
  return rightsOf(useSignedIn(), wanted)
}

/** missingText says plainly what is not offered, and what it would take; '' where nothing is missing. */
export function missingText({ missing }: Rights<string>, things: string): string {
  if (missing.length === 0) return ''
  const actions = [...new Set(missing.map(({ action }) => action))]
  return `You may not ${listed(missing.map(({ verb }) => verb), 'or')} ${things}: that takes the action${actions.length === 1 ? '' : 's'} ${listed(actions, 'and')}, which the role admin has.`
}

/** Says above what is disabled why it is. */
export function Missing({ rights, things }: { rights: Rights<string>; things: string }) {
  const text = missingText(rights, things)
  return text && <Notice>{text}</Notice>
}
