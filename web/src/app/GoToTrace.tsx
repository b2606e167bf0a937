import { useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { moment } from '../model/time'
import { parseTraceId } from '../model/traceId'
import { Button } from '../ui/Button'
import { Dialog } from '../ui/Dialog'
import { recentTraces } from './recentTraces'
import css from './Shell.module.css'

/** useGoToTrace goes to the trace that a text names; false if it names none. */
function useGoToTrace(): (text: string) => boolean {
  const navigate = useNavigate()
  return (text) => {
    const named = parseTraceId(text)
    if (!named) return false
    void navigate({ to: '/traces/$trace', params: { trace: named.trace }, search: named.span ? { span: named.span } : {} })
    return true
  }
}

/** usePastedTrace opens the trace whose id is pasted into the page, outside of fields. */
export function usePastedTrace(): void {
  const go = useGoToTrace()
  useEffect(() => {
    const pasted = (event: ClipboardEvent) => {
      const at = event.composedPath()[0]
      if (at instanceof HTMLElement && (at.isContentEditable || /^(input|textarea)$/i.test(at.tagName))) return
      const text = event.clipboardData?.getData('text/plain') ?? ''
      if (text.length < 500 && go(text)) event.preventDefault()
    }
    window.addEventListener('paste', pasted)
    return () => window.removeEventListener('paste', pasted)
  })
}

/** Asks for the id of a trace and goes there. */
export function GoToTrace({ onClose }: { onClose: () => void }) {
  const go = useGoToTrace()
  const [text, setText] = useState('')
  const [wrong, setWrong] = useState(false)
  const recent = recentTraces()
  const open = (id: string) => {
    if (go(id)) onClose()
    else setWrong(true)
  }
  return (
    <Dialog title="Go to a trace" open onClose={onClose}>
      <form
        className={css.goTo}
        onSubmit={(event) => {
          event.preventDefault()
          open(text)
        }}
      >
        <label htmlFor="go-to-trace">Its id, as X-Ray or W3C writes it, or a header with it</label>
        <div className={css.goToField}>
          <input
            id="go-to-trace"
            className="mono"
            value={text}
            autoFocus
            autoComplete="off"
            spellCheck={false}
            placeholder="1-581cf771-a006649127e371903a2de979"
            aria-invalid={wrong}
            aria-describedby={wrong ? 'go-to-trace-wrong' : undefined}
            onChange={(event) => {
              setText(event.target.value)
              setWrong(false)
            }}
          />
          <Button type="submit" look="main">
            Go
          </Button>
        </div>
        {wrong && (
          <p id="go-to-trace-wrong" className={css.goToWrong} role="alert">
            This is no id of a trace. It has 32 hex digits, or is of the form 1-8 hex digits-24 hex digits.
          </p>
        )}
      </form>
      {recent.length > 0 && (
        <section className={css.goToRecent}>
          <h3>Looked at before</h3>
          <ul>
            {recent.map((trace) => (
              <li key={trace.id}>
                <button type="button" onClick={() => open(trace.id)}>
                  <span>{trace.title}</span>
                  <span>{moment(trace.start)}</span>
                </button>
              </li>
            ))}
          </ul>
        </section>
      )}
    </Dialog>
  )
}
