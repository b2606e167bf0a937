import { useQuery } from '@tanstack/react-query'
import { getRouteApi, Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { getKeepRules } from '../../api/settings'
import { getLosses } from '../../api/losses'
import { Page } from '../../app/Page'
import { rememberTrace } from '../../app/recentTraces'
import { count, plural } from '../../model/format'
import { ago, moment } from '../../model/time'
import { parseTraceId, timeOf } from '../../model/traceId'
import { Button } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { Empty, Failed, Loading } from '../../ui/State'
import { Comparison } from './Comparison'
import { traceTitle } from './model/facts'
import { TraceView } from './TraceView'
import { useTrace } from './useTrace'
import css from './trace.module.css'

const route = getRouteApi('/traces/$trace')

/** One trace: its map, its segments in time, and all that they say; or two, one against the other. */
export function TracePage() {
  const { trace: written } = route.useParams()
  const { compare } = route.useSearch()
  const named = parseTraceId(written)
  const query = useTrace(named?.trace ?? null)
  const { answer, trace } = query
  const title = trace ? traceTitle(trace) : 'Trace'
  const { id, start } = trace ?? { id: null, start: 0 }
  useEffect(() => {
    if (id) rememberTrace({ id, title, start })
  }, [id, title, start])
  if (!named) return <BadId written={written} />
  if (answer.isError && !trace) {
    return (
      <Page title="Trace">
        <Failed what="The trace is not there" error={answer.error} retry={() => void answer.refetch()} />
      </Page>
    )
  }
  if (answer.data === undefined) {
    return (
      <Page title="Trace">
        <Loading what="Asking for the trace" />
      </Page>
    )
  }
  if (!trace) return <Missing id={named.trace} until={query.until} lookAgain={query.lookAgain} />
  if (compare !== undefined) return <Comparison a={trace} title={title} other={compare} />
  return <TraceView trace={trace} title={title} lively={query.lively} seen={answer.dataUpdatedAt / 1000} failed={answer.isError ? answer.error : null} span={named.span} />
}

function BadId({ written }: { written: string }) {
  return (
    <Page title="Trace">
      <Empty icon="warning" title="This is no id of a trace" actions={<Link to="/traces">To the list of traces</Link>}>
        <p>
          <code>{written.slice(0, 120)}</code>
        </p>
        <p>
          An id is of the form <code>1-581cf771-a006649127e371903a2de979</code>, or has the 32 hex digits of W3C and OpenTelemetry. Look at its length: one digit is often left behind when it is copied.
        </p>
      </Empty>
    </Page>
  )
}

/** A trace that the server does not know, or not yet. */
function Missing({ id, until, lookAgain }: { id: string; until: number; lookAgain: () => void }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  const losses = useQuery({ queryKey: ['losses', id], queryFn: ({ signal }) => getLosses(signal), staleTime: 10_000, retry: false })
  const keep = useQuery({ queryKey: ['keep-rules'], queryFn: ({ signal }) => getKeepRules(signal), staleTime: 60_000, retry: false })
  const lost = losses.data?.Recent.filter((one) => one.Trace === id) ?? []
  const dropped = keep.data?.Rules.reduce((sum, rule) => sum + rule.Dropped, 0) ?? 0
  const hoping = now < until
  const began = timeOf(id, now / 1000)
  return (
    <Page title="Trace" aside={<code className={css.headId}>{id}</code>}>
      <Empty
        icon={hoping ? 'time' : 'search'}
        title={hoping ? 'This trace has not come yet' : 'There is no such trace'}
        actions={
          <>
            {!hoping && (
              <Button icon={<Icon name="refresh" />} onPress={lookAgain}>
                Look again
              </Button>
            )}
            <Link to="/traces">To the list of traces</Link>
          </>
        }
      >
        {hoping ? (
          <p className={css.waiting} role="status">
            <span className="pulse" /> Looking again for it, for {Math.ceil((until - now) / 1000)} s more. A daemon sends about once a second.
          </p>
        ) : (
          <p role="status">It was looked for during a minute.</p>
        )}
        <ul className={css.reasons}>
          {began !== null && (
            <li>
              By its id it began {ago(began, now / 1000)}, {moment(began)}. What is older than the retention is no longer kept.
            </li>
          )}
          <li>Only sampled requests are sent. Whoever made the id knows whether this one was.</li>
          {dropped > 0 && (
            <li>
              Keep rules dropped {plural(dropped, 'trace')} so far, after counting them ({keep.data!.Rules.map((rule) => rule.Name).join(', ')}). This may be one.
            </li>
          )}
          {lost.length > 0 && (
            <li>
              The server refused {plural(lost.length, 'document')} of it:{' '}
              {[...new Set(lost.map((one) => [one.Code || one.Reason, one.Detail].filter(Boolean).join(', ')))].slice(0, 3).join('; ')}.
            </li>
          )}
          {losses.data && Object.values(losses.data.Counts).some((n) => n > 0) && lost.length === 0 && (
            <li>{count(Object.values(losses.data.Counts).reduce((a, b) => a + b, 0))} documents of other traces were lost since the server started.</li>
          )}
        </ul>
      </Empty>
    </Page>
  )
}
