import { text, type RawSearch } from '../../app/search'

/** The part of the URL that is the sign-in page's. */
export interface SignInSearch {
  /** Where to go then: a path of this server. */
  next?: string | undefined
}

export function signInSearch(raw: RawSearch): SignInSearch {
  const next = wayBack(text(raw['next']))
  // Undefined, not left out: the router lets through what is left out.
  return { next: next === '/' ? undefined : next }
}

/**
 * wayBack takes only what leads to a page of this server: a link to the sign-in page
 * must not lead anybody elsewhere.
 */
export function wayBack(next: string | undefined): string {
  if (!next?.startsWith('/')) return '/'
  const here = 'http://here.invalid'
  let url: URL
  try {
    url = new URL(next, here)
  } catch {
    return '/'
  }
  // As browsers read it: //elsewhere, /\elsewhere and tabs within are all other places.
  if (url.origin !== here || url.pathname.startsWith('//') || url.pathname === '/sign-in') return '/'
  return url.pathname + url.search + url.hash
}
