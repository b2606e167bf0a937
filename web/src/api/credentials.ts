import { get, send } from './client'
import type { Seconds } from './xray'

const path = '/console/api/credentials'

export interface Credential {
  AccessKeyId: string
  Name: string
  Tenant: string
  Actions: string[]
  Created: Seconds
  /** null: never */
  Expires: Seconds | null
  /** There is a session token beside the secret. */
  Temporary: boolean
  /** The one that is signed in with. */
  Yours: boolean
}

/** The credentials of the tenant, without secrets. */
export interface Credentials {
  /** There are credentials: who has none may do nothing. */
  Needed: boolean
  /** where they are kept, on the server's machine */
  File: string
  Credentials: Credential[]
}

export interface NewCredential {
  /** left out: the access key */
  Name?: string
  Actions: string[]
  /** seconds; left out: for ever */
  Lifetime?: number
}

/** A new credential, with what is told only once. */
export interface IssuedCredential {
  Credential: Credential
  SecretAccessKey: string
  SessionToken: string
}

export async function getCredentials(signal?: AbortSignal): Promise<Credentials> {
  return get<Credentials>(path, signal)
}

export async function addCredential(wish: NewCredential): Promise<IssuedCredential> {
  return change<IssuedCredential>('POST', wish)
}

/** removeCredentials answers those that are left. */
export async function removeCredentials(ids: readonly string[]): Promise<Credentials> {
  return change<Credentials>('DELETE', { AccessKeyIds: ids })
}

async function change<Answer>(method: string, body: object): Promise<Answer> {
  const answer = await send(path, { method, body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } })
  return (await answer.json()) as Answer
}
