import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { getDestination, getIndexingRules, setDestination, setIndexingRule, type DestinationName, type IndexingRule } from '../../api/settings'
import { Missing, useRights } from '../../app/Rights'
import { queries } from '../../app/scope'
import { percentOf } from '../../model/format'
import { ago } from '../../model/time'
import { messageOf } from '../../model/problems'
import { Button } from '../../ui/Button'
import { Badge, Card } from '../../ui/Card'
import { TextField } from '../../ui/Field'
import { Failed, Loading, Notice } from '../../ui/State'
import { toast } from '../../ui/Toasts'
import css from './settings.module.css'

const destinations: readonly { value: DestinationName; name: string; about: string }[] = [
  { value: 'XRay', name: 'XRay', about: 'Every trace is indexed: searches find each of them.' },
  { value: 'CloudWatchLogs', name: 'CloudWatchLogs (transaction search)', about: 'Every trace is kept, can be opened by its id and counts in graphs. Searches find the share that the indexing rule names.' },
]

/** Where segments go, and which traces searches find. */
export function Indexing() {
  const is = useQuery({ queryKey: ['destination'], queryFn: ({ signal }) => getDestination(signal), staleTime: 0 })
  const rules = useQuery({ queryKey: ['indexing'], queryFn: ({ signal }) => getIndexingRules(signal), staleTime: 0 })
  const [wanted, setWanted] = useState<DestinationName | null>(null)
  const rights = useRights({ 'choose the destination': 'xray:UpdateTraceSegmentDestination', 'change the share': 'xray:UpdateIndexingRule' })
  if (is.isError || rules.isError) return <Failed what="What is indexed is not known" error={is.error ?? rules.error} retry={() => void Promise.all([is.refetch(), rules.refetch()])} />
  if (!is.data || !rules.data) return <Loading />
  const choose = async (destination: DestinationName) => {
    setWanted(destination)
    try {
      await setDestination(destination)
      toast(`Segments go to ${destination} from now on.`)
    } catch (reason) {
      toast(messageOf(reason), 'failed')
    }
    await queries.invalidateQueries({ queryKey: ['destination'] })
    setWanted(null)
  }
  return (
    <>
      <Missing rights={rights} things="of traces that are indexed" />
      <Card title="Trace segment destination" about="The names are X-Ray's. Tomo keeps every segment in its own store either way; the destination decides which traces searches find." aside={<Badge look="good">{is.data.Status.toLowerCase()}</Badge>}>
        <div className={css.stack} role="radiogroup" aria-label="Trace segment destination">
          {destinations.map(({ value, name, about }) => (
            <label key={value} className={css.choice}>
              <input type="radio" name="destination" checked={(wanted ?? is.data.Destination) === value} disabled={wanted !== null || !rights.may['choose the destination']} onChange={() => void choose(value)} />
              <span>
                <b>{name}</b>
                <span>{about}</span>
              </span>
            </label>
          ))}
        </div>
      </Card>
      {rules.data.map((rule) => (
        <Rule key={`${rule.Name} ${rule.Rule.Probabilistic?.DesiredSamplingPercentage}`} rule={rule} counts={is.data.Destination === 'CloudWatchLogs'} may={rights.may['change the share']} />
      ))}
    </>
  )
}

function Rule({ rule, counts, may }: { rule: IndexingRule; counts: boolean; may: boolean }) {
  const now = rule.Rule.Probabilistic?.DesiredSamplingPercentage ?? 0
  const [text, setText] = useState(String(now))
  const [problem, setProblem] = useState('')
  const wanted = percentOf(text)
  const save = () => {
    if (wanted === null) return
    setIndexingRule(rule.Name, wanted).then(
      () => {
        toast(`Searches will find ${wanted} % of the traces that start from now on.`)
        void queries.invalidateQueries({ queryKey: ['indexing'] })
      },
      (reason: unknown) => setProblem(messageOf(reason)),
    )
  }
  return (
    <Card
      title={`Indexing rule ${rule.Name}`}
      about="The share of traces that searches find with the destination CloudWatchLogs. A trace keeps the share that was in force when it started, and whether it is among them follows from its id: of two shares the smaller is part of the larger."
      aside={rule.ModifiedAt ? `changed ${ago(rule.ModifiedAt, Date.now() / 1000)}` : 'never changed'}
    >
      <form
        className={css.stack}
        onSubmit={(event) => {
          event.preventDefault()
          save()
        }}
      >
        {!counts && <Notice>With the destination XRay every trace is indexed. The rule counts when the destination is CloudWatchLogs.</Notice>}
        <div style={{ maxWidth: 240 }}>
          <TextField
            label="Share of traces"
            unit="%"
            inputMode="decimal"
            disabled={!may}
            value={text}
            onChange={(value) => {
              setText(value)
              setProblem('')
            }}
            problem={problem || (wanted === null ? 'A percentage from 0 to 100.' : undefined)}
          />
        </div>
        <div className={css.row}>
          <Button type="submit" look="main" isDisabled={!may || wanted === null || wanted === now}>
            Save
          </Button>
        </div>
      </form>
    </Card>
  )
}
