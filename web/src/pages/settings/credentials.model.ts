import type { Credential, IssuedCredential } from '../../api/credentials'

/** Short for many actions; docs/security.md. */
export const roles = [
  { name: 'read', does: 'Looks at everything, in the console too, and at metrics' },
  { name: 'write', does: 'Sends traces, and asks how to sample' },
  { name: 'admin', does: 'Everything, credentials included' },
] as const

export type Role = (typeof roles)[number]['name']

/** How long a credential may work, in seconds; 0 is for ever. */
export const lifetimes: readonly { seconds: number; label: string }[] = [
  { seconds: 0, label: 'For ever' },
  { seconds: 3600, label: '1 hour' },
  { seconds: 12 * 3600, label: '12 hours' },
  { seconds: 7 * 86_400, label: '7 days' },
  { seconds: 30 * 86_400, label: '30 days' },
  { seconds: 90 * 86_400, label: '90 days' },
  { seconds: 365 * 86_400, label: '1 year' },
]

/** actionsOf are the actions that were chosen and typed, each once. Between them are spaces, commas or lines. */
export function actionsOf(chosen: ReadonlySet<Role>, typed: string): string[] {
  return [...new Set([...roles.map((role) => role.name).filter((name) => chosen.has(name)), ...typed.split(/[\s,]+/).filter((action) => action !== '')])]
}

/** exportsOf is a new credential as a shell takes it. Keys, secrets and tokens are letters and digits. */
export function exportsOf(issued: IssuedCredential): string {
  return [`export AWS_ACCESS_KEY_ID=${issued.Credential.AccessKeyId}`, `export AWS_SECRET_ACCESS_KEY=${issued.SecretAccessKey}`, ...(issued.SessionToken ? [`export AWS_SESSION_TOKEN=${issued.SessionToken}`] : [])].join('\n')
}

export type Standing = { kind: 'for ever' } | { kind: 'until'; end: number } | { kind: 'over'; end: number }

/** standingOf tells whether a credential works, and for how long. */
export function standingOf(credential: Pick<Credential, 'Expires'>, now: number): Standing {
  if (credential.Expires === null) return { kind: 'for ever' }
  return credential.Expires > now ? { kind: 'until', end: credential.Expires } : { kind: 'over', end: credential.Expires }
}
