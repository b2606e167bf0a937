import { useQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { getTraceSummaries, type TraceSummary } from '../../api/xray'
import { recentTraces } from '../../app/recentTraces'
import { and, quote, service as serviceOf } from '../../model/filter'
import { duration, plural } from '../../model/format'
import { ago, moment } from '../../model/time'
import { parseTraceId } from '../../model/traceId'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { OutcomeBadge } from '../../ui/Outcomes'
import type { Trace } from './model/tree'
import { record, text } from './model/values'
import css from './compare.module.css'

const route = getRouteApi('/traces/$trace')

/** Asks which trace to hold this one against: one that is like it, one that was looked at, or any. */
export function CompareDialog({ trace, onClose }: { trace: Trace; onClose: () => void }) {
  const navigate = route.useNavigate()
  const [typed, setTyped] = useState('')
  const [wrong, setWrong] = useState('')
  const { root } = trace
  const url = text(record(record(root?.document.http)?.['request'])?.['url'])
  const filter = root ? and(serviceOf(root.service), url ? `http.url = ${quote(url)}` : '') : ''
  const window = { start: Math.floor(trace.start - 1800), end: Math.ceil(trace.end + 1800) }
  const like = useQuery({
    queryKey: ['trace', trace.id, 'like', filter],
    queryFn: ({ signal }) => getTraceSummaries({ window, filter }, signal),
    enabled: filter !== '',
    placeholderData: () => undefined,
  })
  const others = (like.data?.TraceSummaries ?? []).filter((one) => one.Id !== trace.id && one.ResponseTime !== null).sort((a, b) => a.ResponseTime! - b.ResponseTime!)
  const picks: { what: string; trace: TraceSummary }[] = []
  const pick = (what: string, one: TraceSummary | undefined) => {
    if (one && !picks.some((known) => known.trace.Id === one.Id)) picks.push({ what, trace: one })
  }
  pick('The quickest', others[0])
  pick('Of the median', others[Math.floor((others.length - 1) / 2)])
  pick('The slowest', others.at(-1))
  pick('A failed one', others.find((one) => one.HasFault))
  pick('One without a failure', others.find((one) => !one.HasFault && !one.HasError && !one.HasThrottle))
  pick('The one before', others.filter((one) => one.StartTime < trace.start).sort((a, b) => b.StartTime - a.StartTime)[0])
  const recent = recentTraces().filter((one) => one.id !== trace.id)

  const compare = (id: string) => {
    const named = parseTraceId(id)
    if (!named) return setWrong('This is no id of a trace.')
    if (named.trace === trace.id) return setWrong('This is the same trace.')
    onClose()
    void navigate({ search: (before) => ({ compare: named.trace, ...(before.span ? { span: before.span } : {}) }) })
  }
  return (
    <Dialog title="Compare with another trace" open onClose={onClose} wide>
      <form
        className={css.typed}
        onSubmit={(event) => {
          event.preventDefault()
          compare(typed)
        }}
      >
        <label htmlFor="compare-id">The id of a trace</label>
        <input
          id="compare-id"
          className="mono"
          value={typed}
          autoComplete="off"
          spellCheck={false}
          autoFocus
          aria-invalid={wrong !== ''}
          aria-describedby={wrong ? 'compare-wrong' : undefined}
          onChange={(event) => {
            setTyped(event.target.value)
            setWrong('')
          }}
        />
        <Button type="submit" look="main">
          Compare
        </Button>
        {wrong && (
          <p id="compare-wrong" className={css.wrong} role="alert">
            {wrong}
          </p>
        )}
      </form>
      {filter !== '' && (
        <section className={css.picks}>
          <h3>Of the same request, in the hour around</h3>
          {like.isError ? (
            <p className={css.quiet}>They could not be searched: {like.error.message}</p>
          ) : !like.data ? (
            <p className={css.quiet}>Searching…</p>
          ) : picks.length === 0 ? (
            <p className={css.quiet}>There is no other.</p>
          ) : (
            <>
              <ul>
                {picks.map(({ what, trace: one }) => (
                  <li key={one.Id}>
                    <button type="button" onClick={() => compare(one.Id)}>
                      <strong>{what}</strong>
                      <OutcomeBadge outcome={one.HasFault ? 'fault' : one.HasThrottle ? 'throttle' : one.HasError ? 'error' : 'ok'} />
                      <span>{duration(one.ResponseTime)}</span>
                      <span className={css.quiet}>{moment(one.StartTime)}</span>
                      <code>{one.Id}</code>
                    </button>
                  </li>
                ))}
              </ul>
              <p className={css.quiet}>
                Of the {plural(others.length, 'newest such trace')}
                {like.data.NextToken ? '; there are more' : ''}.
              </p>
            </>
          )}
        </section>
      )}
      {recent.length > 0 && (
        <section className={css.picks}>
          <h3>Looked at before</h3>
          <ul>
            {recent.slice(0, 6).map((one) => (
              <li key={one.id}>
                <button type="button" onClick={() => compare(one.id)}>
                  <strong>{one.title}</strong>
                  <span className={css.quiet}>{ago(one.start, Date.now() / 1000)}</span>
                  <code>{one.id}</code>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Dialog>
  )
}
