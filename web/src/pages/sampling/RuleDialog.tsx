import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { getTags, setTags } from '../../api/groups'
import { createSamplingRule, updateSamplingRule, type SampledRequest, type SamplingRule } from '../../api/sampling'
import { limitsChanged } from '../../app/asked'
import { Missing, useRights } from '../../app/Rights'
import { queries } from '../../app/scope'
import { noProblems, problemsOf, type Problems } from '../../model/problems'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Frame, Switch, TextField } from '../../ui/Field'
import { Pairs, type Pair } from '../../ui/Pairs'
import { Notice } from '../../ui/State'
import { toast } from '../../ui/Toasts'
import { checkDraft, defaultRule, draftOf, fieldMembers, newDraft, ruleActions, ruleOf, share, warningsOf, type DraftProblems, type RuleDraft } from './model'
import { methods, serviceTypes } from './Tester'
import css from './sampling.module.css'

interface RuleDialogProps {
  /** null: a new one. */
  rule: SamplingRule | null
  /** The names of the other rules. */
  others: readonly string[]
  /** What is being tried: a new rule begins with it. */
  request: SampledRequest
  onClose: () => void
}

const words: [RegExp, string][] = [
  [/already exists|sampling rules already|rule name/i, 'RuleName'],
  [/[Tt]ag/, 'Tags'],
]

/** Creates a sampling rule, or changes one. */
export function RuleDialog({ rule, others, request, onClose }: RuleDialogProps) {
  const [draft, setDraft] = useState<RuleDraft>(() => (rule ? draftOf(rule) : begin(request)))
  const [tags, setTagPairs] = useState<Pair[] | null>(rule ? null : [])
  const [problems, setProblems] = useState<Problems>(noProblems)
  const [busy, setBusy] = useState(false)
  const known = useQuery({ queryKey: ['tags', rule?.RuleARN], queryFn: ({ signal }) => getTags(rule!.RuleARN, signal), enabled: rule !== null, staleTime: 0 })
  const shownTags = tags ?? (known.data ?? []).map((tag) => ({ key: tag.Key, value: tag.Value }))
  const isDefault = rule?.RuleName === defaultRule
  const rights = useRights<string>(rule ? { change: ruleActions.change } : { create: ruleActions.create })
  const wrong = checkDraft(draft, isDefault, others)
  const told: DraftProblems = Object.fromEntries(Object.entries(problems.members).map(([member, text]) => [fieldMembers[member as keyof typeof fieldMembers], text]))
  // Nobody is told of a name before they have typed one.
  const of = (field: keyof DraftProblems) => (field === 'name' && draft.name === '' ? told.name : (wrong[field] ?? told[field]))
  const set = (change: Partial<RuleDraft>) => {
    setDraft((before) => ({ ...before, ...change }))
    setProblems(noProblems)
  }
  const pattern = (field: 'service' | 'type' | 'host' | 'method' | 'path' | 'arn', label: string, known?: readonly string[]) => (
    <TextField label={label} value={draft[field]} onChange={(value) => set({ [field]: value })} problem={of(field)} mono {...(known ? { known } : {})} />
  )

  const save = async () => {
    setBusy(true)
    const wanted = shownTags.filter((pair) => pair.key !== '').map((pair) => ({ Key: pair.key, Value: pair.value }))
    try {
      if (!rule) await createSamplingRule(ruleOf(draft), wanted)
      else if (isDefault) await updateSamplingRule({ RuleName: rule.RuleName, FixedRate: share(draft.rate)!, ReservoirSize: Number(draft.reservoir) })
      else await updateSamplingRule(ruleOf(draft))
      if (rule && tags !== null) await setTags(rule.RuleARN, known.data ?? [], wanted)
    } catch (reason) {
      setProblems(problemsOf(reason, Object.keys(fieldMembers), words))
      setBusy(false)
      return
    }
    await queries.invalidateQueries({ queryKey: ['sampling'] })
    limitsChanged()
    toast(`The rule ${draft.name} is ${rule ? 'changed' : 'created'}. Clients hear of it within minutes.`)
    onClose()
  }

  return (
    <Dialog
      title={rule ? `Edit the rule ${rule.RuleName}` : 'Create a rule'}
      open
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" isDisabled={busy || rights.missing.length > 0 || Object.keys(wrong).length > 0} onPress={() => void save()}>
            {rule ? 'Save' : 'Create the rule'}
          </Button>
        </>
      }
    >
      <div className={css.form}>
        <Missing rights={rights} things="sampling rules" />
        {problems.rest && <Notice look="warning">{problems.rest}</Notice>}
        {isDefault && <p className="quiet">Default decides what no other rule matches. Only its rate and its reservoir can change.</p>}
        {!isDefault && (
          <div className={css.two}>
            <TextField label="Name" value={draft.name} onChange={(name) => set({ name })} disabled={rule !== null} autoFocus={rule === null} problem={of('name')} hint="Up to 32 characters. It cannot change." />
            <TextField label="Priority" value={draft.priority} onChange={(priority) => set({ priority })} inputMode="numeric" problem={of('priority')} hint="1 to 9,999; the lowest that matches decides." />
          </div>
        )}
        <div className={css.two}>
          <TextField label="Reservoir" unit="traces a second" value={draft.reservoir} onChange={(reservoir) => set({ reservoir })} inputMode="numeric" problem={of('reservoir')} hint="So many are traced first, of all clients together." />
          <TextField label="Rate" unit="%" value={draft.rate} onChange={(rate) => set({ rate })} inputMode="decimal" problem={of('rate')} hint="The share of the rest that is traced." />
        </div>
        {!isDefault && (
          <>
            <fieldset className={css.set}>
              <legend>Requests that match</legend>
              <p className="note">In a pattern * is any text and ? one character; the whole value has to match.</p>
              <div className={css.two}>
                {pattern('host', 'Host')}
                {pattern('method', 'HTTP method', methods)}
                {pattern('path', 'URL path')}
                {pattern('service', 'Service name')}
                {pattern('type', 'Service type', serviceTypes)}
                {pattern('arn', 'Resource ARN')}
              </div>
              <Frame label="Attributes" problem={of('attributes')}>
                <Pairs name="Attribute" pairs={draft.attributes} onChange={(attributes) => set({ attributes })} most={5} valueHint="pattern" />
              </Frame>
              {warningsOf(draft).map((warning) => (
                <Notice key={warning}>{warning}</Notice>
              ))}
            </fieldset>
            <Switch label="Boost the rate on anomalies" checked={draft.boost} onChange={(boost) => set({ boost })} hint={told.boost ?? 'For a minute, when clients with adaptive sampling report more anomalies than are traced.'} />
            {draft.boost && (
              <div className={css.two}>
                <TextField label="Rate at most" unit="%" value={draft.maxRate} onChange={(maxRate) => set({ maxRate })} inputMode="decimal" problem={of('maxRate')} />
                <TextField label="Pause between boosts" unit="minutes" value={draft.cooldown} onChange={(cooldown) => set({ cooldown })} inputMode="numeric" problem={of('cooldown')} />
              </div>
            )}
          </>
        )}
        <Frame label="Tags" problem={of('tags')}>
          <Pairs name="Tag" pairs={shownTags} onChange={setTagPairs} most={50} />
        </Frame>
      </div>
    </Dialog>
  )
}

/** begin is a new rule for the request that is being tried. */
function begin(request: SampledRequest): RuleDraft {
  return {
    ...newDraft,
    host: request.Host ?? '*',
    method: request.HTTPMethod ?? '*',
    path: request.URLPath ?? '*',
    service: request.ServiceName ?? '*',
    type: request.ServiceType ?? '*',
    arn: request.ResourceARN ?? '*',
    attributes: Object.entries(request.Attributes ?? {}).map(([key, value]) => ({ key, value })),
  }
}
