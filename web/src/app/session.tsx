import { useQuery } from '@tanstack/react-query'
import { useLocation, useRouter } from '@tanstack/react-router'
import { useEffect } from 'react'
import { onSignedOut } from '../api/client'
import { getSession, signOut, type SignedIn } from '../api/session'
import { queries } from './scope'

/** Where people sign in. */
export const signInPath = '/sign-in'

const key = ['session']

/** useSignedIn tells who uses this browser; null while that is not known. */
export function useSignedIn(): SignedIn | null {
  return useQuery({ queryKey: key, queryFn: ({ signal }) => getSession(signal), staleTime: 300_000 }).data ?? null
}

/** setSignedIn is told who is here from now on; what others saw is forgotten. */
export function setSignedIn(who: SignedIn): void {
  queries.removeQueries({ predicate: (query) => query.queryKey[0] !== key[0] })
  queries.setQueryData(key, who)
}

/** endSession signs out. Then the shell leads to where somebody else can sign in. */
export async function endSession(): Promise<void> {
  setSignedIn(await signOut())
}

/** signInLink is where to sign in and come back from. */
export function signInLink(next: string): string {
  return next === '/' ? signInPath : `${signInPath}?next=${encodeURIComponent(next)}`
}

/** useSignInWhereNeeded leads those who have to sign in to where they can, with the way back. */
export function useSignInWhereNeeded(): void {
  const who = useSignedIn()
  const { pathname, href } = useLocation()
  const router = useRouter()
  const needed = who !== null && who.Needed && who.Session === null
  useEffect(
    () =>
      onSignedOut(() => {
        queries.setQueryData<SignedIn>(key, { Needed: true, Session: null })
      }),
    [],
  )
  useEffect(() => {
    if (needed && pathname !== signInPath) router.history.replace(signInLink(href))
  }, [needed, pathname, href, router])
}
