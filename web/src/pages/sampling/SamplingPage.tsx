import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useMemo, useRef, useState } from 'react'
import { deleteSamplingRule, getSamplingRules, getSamplingStates, getSamplingStatistics, testSampling, type SamplingRule } from '../../api/sampling'
import { useLimit } from '../../app/asked'
import { Missing, useRights } from '../../app/Rights'
import { Page } from '../../app/Page'
import { useShortcuts } from '../../app/keys'
import { queries } from '../../app/scope'
import { count, percent, plural } from '../../model/format'
import { Button } from '../../ui/Button'
import { Confirm } from '../../ui/Confirm'
import { Icon } from '../../ui/Icon'
import { Failed, Loading, Notice } from '../../ui/State'
import { toast } from '../../ui/Toasts'
import { defaultRule, figuresOf, isEmpty, ordered, requestOf, ruleActions } from './model'
import { RuleDialog } from './RuleDialog'
import { RuleRow } from './RuleRow'
import { Tester } from './Tester'
import css from './sampling.module.css'

const route = getRouteApi('/sampling')

/** Clients report every ten seconds; so often it is looked again, in milliseconds. */
const every = 10_000

export function SamplingPage() {
  const search = route.useSearch()
  const navigate = route.useNavigate()
  const tester = useRef<HTMLInputElement>(null)
  const [gone, setGone] = useState<SamplingRule | null>(null)
  const rights = useRights(ruleActions)
  const records = useQuery({ queryKey: ['sampling', 'rules'], queryFn: ({ signal }) => getSamplingRules(signal), staleTime: 0, refetchInterval: every })
  const statistics = useQuery({ queryKey: ['sampling', 'statistics'], queryFn: ({ signal }) => getSamplingStatistics(signal), staleTime: 0, refetchInterval: every })
  const states = useQuery({ queryKey: ['sampling', 'states'], queryFn: ({ signal }) => getSamplingStates(signal), staleTime: 0, refetchInterval: every })
  const rules = useMemo(() => ordered(records.data ?? []), [records.data])
  const request = useMemo(() => requestOf(search), [search])
  const changed = useMemo(() => (records.data ?? []).map((record) => record.ModifiedAt), [records.data])
  const test = useQuery({
    queryKey: ['sampling', 'test', request, changed, rules.length],
    queryFn: ({ signal }) => testSampling(request, signal),
    enabled: !isEmpty(request) && records.data !== undefined,
    placeholderData: keepPreviousData,
    staleTime: 0,
  })
  const tested = isEmpty(request) ? undefined : test.data
  const decides = tested ? rules.findIndex((rule) => rule.RuleName === tested.RuleName) : -1
  const open = (change: { edit?: string; create?: string }) => void navigate({ search: (before) => ({ ...before, edit: undefined, create: undefined, ...change }) })
  const close = () => open({})
  const add = () => rights.may.create && open({ create: 'true' })
  useShortcuts('Sampling', [
    { keys: 'c', does: 'Create a rule', run: add },
    { keys: '/', does: 'Try a request', run: () => tester.current?.focus() },
    { keys: 'r', does: 'Refresh', run: () => void queries.invalidateQueries({ queryKey: ['sampling'] }) },
  ])
  const most = useLimit('sampling-rules')
  const edited = search.edit ? rules.find((rule) => rule.RuleName === search.edit) : undefined
  const all = (statistics.data ?? []).reduce((sum, one) => sum + one.RequestCount, 0)
  const sampled = (statistics.data ?? []).reduce((sum, one) => sum + one.SampledCount, 0)
  const latest = Math.max(0, ...(statistics.data ?? []).map((one) => one.Timestamp))
  return (
    <Page
      title="Sampling"
      aside={records.data && <span className="quiet">{most === null ? plural(rules.length - 1, 'rule') : `${rules.length - 1} of ${count(most)} rules`} and Default</span>}
      tools={
        <Button look="main" icon={<Icon name="plus" />} isDisabled={!rights.may.create} onPress={add}>
          Create a rule
        </Button>
      }
      fills
    >
      {records.isError && !records.data ? (
        <Failed what="The sampling rules are not there" error={records.error} retry={() => void records.refetch()} />
      ) : !records.data ? (
        <Loading what="Asking for the rules" />
      ) : (
        <div className={css.page}>
          <Tester handle={tester} request={request} test={tested} error={isEmpty(request) ? null : test.error} />
          <div className={css.rules}>
            <Missing rights={rights} things="sampling rules" />
            {search.edit && !edited && <Notice look="warning">There is no rule {search.edit} any more.</Notice>}
            {(statistics.isError || states.isError) && <Notice look="warning">What clients report is not told: {(statistics.error ?? states.error)?.message}</Notice>}
            <p className={css.about}>
              The first rule that a request matches decides, from the top: each second as many requests as its reservoir has, and a share of the rest. Clients ask for the rules and decide themselves.{' '}
              {all > 0
                ? `In the last ten minutes clients decided ${count(all)} requests and sampled ${count(sampled)} of them (${percent(sampled / all)}).`
                : 'No client has reported in the last ten minutes: segments that come were decided by other means, or not at all.'}
            </p>
            <ol className={css.list}>
              {rules.map((rule, at) => (
                <RuleRow
                  key={rule.RuleName}
                  rule={rule}
                  latest={latest}
                  figures={figuresOf(statistics.data ?? [], rule.RuleName)}
                  state={states.data?.find((state) => state.RuleName === rule.RuleName)}
                  verdict={tested?.Rules.find((one) => one.RuleName === rule.RuleName)}
                  place={decides < 0 ? null : at < decides ? 'before' : at === decides ? 'decides' : 'after'}
                  onEdit={rights.may.change ? () => open({ edit: rule.RuleName }) : null}
                  isKept={rule.RuleName === defaultRule}
                  onDelete={rights.may.delete ? () => setGone(rule) : null}
                />
              ))}
            </ol>
          </div>
        </div>
      )}
      {search.create !== undefined && records.data && <RuleDialog key="new" rule={null} others={rules.map((rule) => rule.RuleName)} request={request} onClose={close} />}
      {edited && <RuleDialog key={edited.RuleName} rule={edited} others={rules.filter((rule) => rule !== edited).map((rule) => rule.RuleName)} request={request} onClose={close} />}
      {gone && (
        <Confirm
          title={`Delete the rule ${gone.RuleName}?`}
          does="Delete the rule"
          run={async () => {
            await deleteSamplingRule(gone.RuleName)
            await queries.invalidateQueries({ queryKey: ['sampling'] })
            toast(`The rule ${gone.RuleName} is deleted. Clients hear of it within minutes.`)
          }}
          onClose={() => setGone(null)}
        >
          <p>Requests that it decided are decided by the rules behind it, when clients have asked for the rules again: within five minutes, mostly.</p>
        </Confirm>
      )}
    </Page>
  )
}
