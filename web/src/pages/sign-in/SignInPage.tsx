import { getRouteApi, useRouter } from '@tanstack/react-router'
import { useEffect, useRef, useState, type FormEvent } from 'react'
import { signIn } from '../../api/session'
import { Logo } from '../../app/Logo'
import { setSignedIn, useSignedIn } from '../../app/session'
import { Button } from '../../ui/Button'
import { Icon } from '../../ui/Icon'
import { wayBack } from './search'
import css from './signIn.module.css'

const route = getRouteApi('/sign-in')

/** Where people say who they are, on a server that wants to know. */
export function SignInPage() {
  const next = wayBack(route.useSearch().next)
  const router = useRouter()
  const who = useSignedIn()
  const [temporary, setTemporary] = useState(false)
  const [shown, setShown] = useState(false)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  const first = useRef<HTMLInputElement>(null)
  useEffect(() => {
    document.title = 'Sign in · Tomo'
    first.current?.focus()
  }, [])
  useEffect(() => {
    if (who && !who.Needed) router.history.replace(next)
  }, [who, next, router])

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const value = (name: string) => String(form.get(name) ?? '').trim()
    const [AccessKeyId, SecretAccessKey, SessionToken] = [value('key'), value('secret'), value('token')]
    if (!AccessKeyId || !SecretAccessKey) return setProblem('Both the access key and its secret are needed.')
    setBusy(true)
    setProblem('')
    try {
      setSignedIn(await signIn({ AccessKeyId, SecretAccessKey, ...(SessionToken ? { SessionToken } : {}) }))
      router.history.replace(next)
    } catch (reason) {
      setProblem(explain(reason))
      setBusy(false)
    }
  }
  return (
    <div className={css.page}>
      <form className={css.card} onSubmit={(event) => void submit(event)} noValidate>
        <h1 className={css.title}>
          <Logo /> Sign in to Tomo
        </h1>
        {who?.Session && (
          <p className={css.note}>
            You are <b>{who.Session.Name}</b> of the tenant <b>{who.Session.Tenant}</b>. Who signs in here takes your place.
          </p>
        )}
        <label className={css.field}>
          Access key
          <input ref={first} name="key" className="mono" autoComplete="username" autoCapitalize="none" spellCheck={false} placeholder="TOMO…" aria-invalid={problem !== ''} aria-describedby={problem ? 'problem' : undefined} />
        </label>
        <div className={css.field}>
          <label htmlFor="secret">Secret</label>
          <span className={css.secret}>
            <input id="secret" name="secret" type={shown ? 'text' : 'password'} className="mono" autoComplete="current-password" spellCheck={false} aria-invalid={problem !== ''} aria-describedby={problem ? 'problem' : undefined} />
            <button type="button" className={css.show} aria-pressed={shown} onClick={() => setShown(!shown)}>
              {shown ? 'Hide' : 'Show'}
            </button>
          </span>
        </div>
        {temporary ? (
          <label className={css.field}>
            Session token
            <input name="token" type="password" className="mono" autoComplete="off" autoFocus spellCheck={false} />
          </label>
        ) : (
          <button type="button" className={`word-button ${css.more}`} onClick={() => setTemporary(true)}>
            It is temporary and has a session token
          </button>
        )}
        {problem && (
          <p className={css.problem} id="problem" role="alert">
            <Icon name="warning" size={15} /> {problem}
          </p>
        )}
        <Button type="submit" look="main" isDisabled={busy}>
          {busy ? 'Signing in…' : 'Sign in'}
        </Button>
        <p className={css.foot}>
          With the same keys that clients sign with. On the server's machine <code>tomo credentials add --actions read</code> makes one; a session lasts 12 hours, or 2 without being used.
        </p>
      </form>
    </div>
  )
}

/** explain says what went wrong to who may have mistyped. */
function explain(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason)
  switch (reason.name) {
    case 'UnrecognizedClientException':
      return 'Nobody has this access key with this secret.'
    case 'ExpiredTokenException':
      return 'The time of this credential is over.'
    default:
      return reason.message
  }
}
