import type { EncryptionKey, KeepDraft, KeepForecast, Limit } from '../../api/settings'
import { bytes, count, duration, lasting, percent, percentOf, short } from '../../model/format'
import { messageOf } from '../../model/problems'

/** keyNameOf is what a key is called: its alias, or its id. */
export function keyNameOf(key: EncryptionKey): string {
  return key.Alias ? `${key.Alias} (${key.Id})` : key.Id
}

/** limitText writes a bound in its unit. */
export function limitText(limit: Pick<Limit, 'Unit' | 'Value'>): string {
  if (limit.Value === null) return 'no bound'
  switch (limit.Unit) {
    case 'bytes':
      return bytes(limit.Value)
    case 'seconds':
      return limit.Value % 86_400 === 0 ? lasting(limit.Value) : duration(limit.Value)
    case 'a second':
      return `${short(limit.Value)} a second`
    default:
      return count(limit.Value)
  }
}

/** What is wrong with a keep rule, by member. */
export interface KeepProblems {
  Name?: string
  Rate?: string
}

/** checkKeep holds a rule against the rules for rules; the server has the last word. `others` are the names of the others. */
export function checkKeep(name: string, rate: string, others: readonly string[]): KeepProblems {
  const problems: KeepProblems = {}
  if (!/^[A-Za-z0-9._-]{1,64}$/.test(name)) problems.Name = name === '' ? 'A rule needs a name.' : name.length > 64 ? `It has ${name.length} characters; the limit is 64.` : 'Letters, digits, - _ and . only.'
  else if (others.includes(name)) problems.Name = 'Another rule has that name.'
  if (percentOf(rate) === null) problems.Rate = 'A share from 0 to 100 percent.'
  return problems
}

/** sameRules says whether two lists say the same. */
export function sameRules(a: readonly KeepDraft[], b: readonly KeepDraft[]): boolean {
  return a.length === b.length && a.every((rule, i) => rule.Name === b[i]!.Name && rule.Filter === b[i]!.Filter && rule.Rate === b[i]!.Rate)
}

/** moved is the list with one rule at another place. */
export function moved<Item>(list: readonly Item[], from: number, to: number): Item[] {
  const after = [...list]
  const [item] = after.splice(from, 1)
  if (item !== undefined) after.splice(Math.max(0, Math.min(to, after.length)), 0, item)
  return after
}

/** forecastText says in a sentence what rules would have kept. */
export function forecastText(forecast: KeepForecast): string {
  if (forecast.Traces === 0) return 'No trace is held of this time.'
  const dropped = forecast.Traces - forecast.Kept
  const which = forecast.Complete ? `${count(forecast.Traces)} traces` : `the newest ${count(forecast.Traces)} traces`
  if (dropped === 0) return `All of ${which} would be kept.`
  return `Of ${which}, ${count(forecast.Kept)} would be kept (${percent(forecast.Kept / forecast.Traces)}) and ${count(dropped)} dropped (${percent(dropped / forecast.Traces)}).`
}

/** prettyJSON writes a document with an indent; what is no JSON stays as it is. */
export function prettyJSON(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

/** jsonProblem says what is wrong with a document; null if it is JSON. */
export function jsonProblem(text: string): string | null {
  try {
    JSON.parse(text)
    return null
  } catch (reason) {
    return messageOf(reason)
  }
}
