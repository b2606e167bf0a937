import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useMemo, useState } from 'react'
import { ApiError } from '../../api/client'
import { getKeepRules, previewKeepRules, putKeepRules, type KeepDraft, type KeepForecast, type KeepRules as Shape } from '../../api/settings'
import { Missing, useRights } from '../../app/Rights'
import { queries } from '../../app/scope'
import { FilterEditor } from '../../editor/FilterEditor'
import { count, percent, percentOf, percentText } from '../../model/format'
import { windowOf } from '../../model/time'
import { messageOf } from '../../model/problems'
import { Button, IconButton } from '../../ui/Button'
import { Card } from '../../ui/Card'
import { Dialog } from '../../ui/Dialog'
import { Frame, TextField } from '../../ui/Field'
import { Icon } from '../../ui/Icon'
import { Select } from '../../ui/Select'
import { Empty, Failed, Loading, Notice } from '../../ui/State'
import { Table, type Column } from '../../ui/Table'
import { toast } from '../../ui/Toasts'
import { checkKeep, forecastText, moved, sameRules } from './model'
import css from './settings.module.css'

/** Keep rules, changed here first and then saved as a whole, after it was seen what they would do. */
export function KeepRules() {
  const is = useQuery({ queryKey: ['keep'], queryFn: ({ signal }) => getKeepRules(signal), staleTime: 0, refetchInterval: 10_000 })
  // What is being changed is changed from one revision, whatever comes meanwhile.
  const [draft, setDraft] = useState<{ from: Shape; rules: KeepDraft[] } | null>(null)
  const rights = useRights({ save: 'tomo:PutConsole' })
  if (is.isError && !is.data) return <Failed what="The keep rules are not there" error={is.error} retry={() => void is.refetch()} />
  if (!is.data) return <Loading />
  const rules = draft?.rules ?? is.data.Rules
  const change = (after: KeepDraft[]) => {
    const from = draft?.from ?? is.data
    setDraft(sameRules(after, from.Rules) ? null : { from, rules: after })
  }
  return (
    <>
      <Missing rights={rights} things="keep rules" />
      <Rules is={is.data} rules={rules} changed={draft !== null} onChange={change} />
      <Forecast rules={rules} changed={draft !== null} />
      {draft && (
        <Unsaved
          may={rights.may.save}
          stale={draft.from.Revision !== is.data.Revision}
          save={async () => {
            await putKeepRules(draft.from.Revision, draft.rules.map(({ Name, Filter, Rate }) => ({ Name, Filter, Rate })))
            await queries.invalidateQueries({ queryKey: ['keep'] })
            setDraft(null)
            toast('The keep rules are saved. They count for traces that settle from now on.')
          }}
          discard={() => setDraft(null)}
        />
      )}
    </>
  )
}

const beginning: KeepDraft[] = [
  { Name: 'interesting', Filter: 'fault OR error OR responsetime > 1', Rate: 1 },
  { Name: 'rest', Filter: '', Rate: 0.05 },
]

function Rules({ is, rules, changed, onChange }: { is: Shape; rules: readonly KeepDraft[]; changed: boolean; onChange: (rules: KeepDraft[]) => void }) {
  const [edited, setEdited] = useState<number | null>(null)
  const columns: Column<{ rule: KeepDraft; at: number }>[] = [
    { id: 'at', head: 'Place', hiddenHead: true, figures: true, cell: ({ at }) => at + 1 },
    { id: 'name', head: 'Rule', names: true, cell: ({ rule }) => rule.Name },
    { id: 'filter', head: 'Traces that match', cell: ({ rule }) => (rule.Filter === '' ? <span className="quiet">every trace</span> : <code className={css.expression}>{rule.Filter}</code>) },
    { id: 'rate', head: 'Kept share', figures: true, cell: ({ rule }) => `${percentText(rule.Rate)} %` },
    ...(changed
      ? []
      : [
          { id: 'kept', head: 'Kept', figures: true, cell: ({ rule }: { rule: KeepDraft }) => count(is.Rules.find((one) => one.Name === rule.Name)?.Kept ?? 0) },
          { id: 'dropped', head: 'Dropped', figures: true, cell: ({ rule }: { rule: KeepDraft }) => count(is.Rules.find((one) => one.Name === rule.Name)?.Dropped ?? 0) },
        ]),
    {
      id: 'do',
      head: 'Actions',
      hiddenHead: true,
      cell: ({ rule, at }) => (
        <span className={css.numbers}>
          <IconButton label={`Move ${rule.Name} up`} icon={<Icon name="up" size={14} />} isDisabled={at === 0} onPress={() => onChange(moved(rules, at, at - 1))} />
          <IconButton label={`Move ${rule.Name} down`} icon={<Icon name="down" size={14} />} isDisabled={at === rules.length - 1} onPress={() => onChange(moved(rules, at, at + 1))} />
          <IconButton label={`Edit ${rule.Name}`} icon={<Icon name="edit" size={14} />} onPress={() => setEdited(at)} />
          <IconButton label={`Delete ${rule.Name}`} icon={<Icon name="delete" size={14} />} onPress={() => onChange(rules.filter((_, i) => i !== at))} />
        </span>
      ),
    },
  ]
  return (
    <Card
      title="Keep rules"
      flush
      about="They decide when a trace has settled and everything is known of it: whether it is kept whole, or dropped after it was counted. The map, time series and figures of groups stay exact over all that was received. The first rule that a trace matches decides; a trace that matches none is kept."
      aside={
        <Button look="main" icon={<Icon name="plus" />} isDisabled={rules.length >= 50} onPress={() => setEdited(rules.length)}>
          Add a rule
        </Button>
      }
    >
      {rules.length === 0 ? (
        <Empty icon="sampling" title="Every trace is kept" actions={<Button onPress={() => onChange(beginning)}>Begin with these two</Button>}>
          There are no rules. Two are a good beginning: all traces with a fault, an error or a response time above a second, and behind it 5 % of the rest.
        </Empty>
      ) : (
        <>
          <Table label="Keep rules in order" columns={columns} rows={rules.map((rule, at) => ({ rule, at }))} rowKey={({ rule }) => rule.Name} />
          {!changed && <p className="note" style={{ padding: '8px 12px' }}>{`${count(is.Unmatched)} traces matched no rule and were kept. Counts are since the server started, or the rule is there.`}</p>}
        </>
      )}
      {edited !== null && (
        <RuleDialog
          rule={rules[edited] ?? null}
          others={rules.filter((_, i) => i !== edited).map((rule) => rule.Name)}
          onClose={() => setEdited(null)}
          onSave={(rule) => {
            onChange(edited < rules.length ? rules.map((one, i) => (i === edited ? rule : one)) : [...rules, rule])
            setEdited(null)
          }}
        />
      )}
    </Card>
  )
}

function RuleDialog({ rule, others, onSave, onClose }: { rule: KeepDraft | null; others: readonly string[]; onSave: (rule: KeepDraft) => void; onClose: () => void }) {
  const [name, setName] = useState(rule?.Name ?? '')
  const [filter, setFilter] = useState(rule?.Filter ?? '')
  const [rate, setRate] = useState(rule ? percentText(rule.Rate) : '100')
  const [wrong, setWrong] = useState('')
  const problems = checkKeep(name, rate, others)
  const save = () => {
    const share = percentOf(rate)
    if (share !== null && !problems.Name && wrong === '') onSave({ Name: name, Filter: filter.trim(), Rate: Number((share / 100).toFixed(8)) })
  }
  return (
    <Dialog
      title={rule ? `Edit the keep rule ${rule.Name}` : 'Add a keep rule'}
      open
      wide
      onClose={onClose}
      actions={
        <>
          <Button onPress={onClose}>Cancel</Button>
          <Button look="main" onPress={save} isDisabled={Boolean(problems.Name ?? problems.Rate) || wrong !== ''}>
            {rule ? 'Change' : 'Add'}
          </Button>
        </>
      }
    >
      <div className={css.stack}>
        <TextField label="Name" value={name} onChange={setName} autoFocus problem={name === '' ? undefined : problems.Name} hint="1 to 64 letters, digits, - _ and ." />
        <Frame label="Traces that match" hint="A filter expression; empty for every trace. It may mention groups." problem={wrong || undefined}>
          <FilterEditor label="Filter expression" hint="every trace" value={filter} onChange={setFilter} onEnter={save} onProblem={(problem) => setWrong(problem?.Message ?? '')} />
        </Frame>
        <div style={{ maxWidth: 240 }}>
          <TextField label="Share that is kept" unit="%" inputMode="decimal" value={rate} onChange={setRate} problem={problems.Rate} hint="0 keeps none, 100 all." />
        </div>
      </div>
    </Dialog>
  )
}

const spans = [
  { value: '900', label: 'last 15 minutes' },
  { value: '3600', label: 'last hour' },
  { value: '86400', label: 'last day' },
] as const

/** What the rules would have decided about what is held. */
function Forecast({ rules, changed }: { rules: readonly KeepDraft[]; changed: boolean }) {
  const [span, setSpan] = useState<(typeof spans)[number]['value']>('3600')
  const asked = useMemo(() => rules.map(({ Name, Filter, Rate }) => ({ Name, Filter, Rate })), [rules])
  const forecast = useQuery({
    queryKey: ['keep-preview', asked, span],
    queryFn: ({ signal }) => previewKeepRules(windowOf({ kind: 'last', seconds: Number(span) }, Date.now() / 1000), asked, signal),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  })
  return (
    <Card
      title="Dry run"
      about={`What ${changed ? 'the rules as they are changed above' : 'these rules'} would decide about the traces that are held now, the newest 10,000 of the time. Traces that rules dropped before are not among them.`}
      aside={<Select label="Time" value={span} choices={spans} onChange={setSpan} />}
    >
      {forecast.isError ? (
        <Notice look="warning">{forecast.error.message}</Notice>
      ) : !forecast.data ? (
        <Loading what="Trying the rules" />
      ) : (
        <div className={css.stack} aria-busy={forecast.isFetching}>
          <p role="status">{forecastText(forecast.data)}</p>
          {forecast.data.Traces > 0 && <Shares forecast={forecast.data} />}
        </div>
      )}
    </Card>
  )
}

interface Share {
  name: string
  kept: number
  dropped: number
}

function Shares({ forecast }: { forecast: KeepForecast }) {
  const all = forecast.Traces
  const rows: Share[] = [...forecast.Rules.map((rule) => ({ name: rule.Name, kept: rule.Kept, dropped: rule.Dropped })), { name: 'no rule', kept: forecast.Unmatched, dropped: 0 }]
  const columns: Column<Share>[] = [
    { id: 'name', head: 'Decided by', names: true, cell: (row) => row.name },
    { id: 'share', head: 'Share of traces', figures: true, cell: (row) => percent((row.kept + row.dropped) / all) },
    {
      id: 'bar',
      head: 'Kept and dropped',
      cell: (row) => (
        <span className={css.bar} role="img" aria-label={`${count(row.kept)} kept, ${count(row.dropped)} dropped`}>
          <span style={{ width: `${(100 * row.kept) / all}%` }} />
          <span style={{ width: `${(100 * row.dropped) / all}%`, background: 'var(--none)' }} />
        </span>
      ),
    },
    { id: 'kept', head: 'Kept', figures: true, cell: (row) => count(row.kept) },
    { id: 'dropped', head: 'Dropped', figures: true, cell: (row) => count(row.dropped) },
  ]
  return <Table label="Shares of the rules" columns={columns} rows={rows} rowKey={(row) => row.name} />
}

function Unsaved({ may, stale, save, discard }: { may: boolean; stale: boolean; save: () => Promise<void>; discard: () => void }) {
  const [error, setError] = useState('')
  const [busy, setBusy] = useState(false)
  const start = () => {
    setBusy(true)
    save().catch((reason: unknown) => {
      setBusy(false)
      setError(reason instanceof ApiError && reason.name === 'ConflictException' ? 'Somebody else has changed the rules meanwhile. Discard your changes to see them, and make yours again.' : messageOf(reason))
    })
  }
  return (
    <div className={css.unsaved} role="group" aria-label="Changes">
      <span>
        <b>The changes are not in force yet.</b> {error || (stale && 'Somebody else has changed the rules meanwhile.')}
      </span>
      <span className={css.row}>
        <Button onPress={discard}>Discard</Button>
        <Button look="main" onPress={start} isDisabled={busy || !may}>
          Save
        </Button>
      </span>
    </div>
  )
}
