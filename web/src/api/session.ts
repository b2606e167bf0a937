import { get, send } from './client'
import type { Seconds } from './xray'

const path = '/console/api/session'

/** Somebody who signed in, and what they may do. */
export interface Session {
  AccessKeyId: string
  Name: string
  Tenant: string
  /** as they were given: patterns and roles */
  Actions: string[]
  /** every action that these allow */
  Allowed: string[]
  Ends: Seconds
}

/** Who uses this browser; docs/security.md. */
export interface SignedIn {
  /** There are credentials, so that who did not sign in sees nothing. */
  Needed: boolean
  Session: Session | null
}

/** What somebody signs in with. */
export interface Proof {
  AccessKeyId: string
  SecretAccessKey: string
  /** of a temporary credential */
  SessionToken?: string
}

export async function getSession(signal?: AbortSignal): Promise<SignedIn> {
  return get<SignedIn>(path, signal)
}

export async function signIn(proof: Proof): Promise<SignedIn> {
  return change('POST', proof)
}

export async function signOut(): Promise<SignedIn> {
  return change('DELETE', {})
}

async function change(method: string, body: object): Promise<SignedIn> {
  const answer = await send(path, { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })
  return (await answer.json()) as SignedIn
}
