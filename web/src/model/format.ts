import type { Seconds } from '../api/xray'

const grouped = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

/** count writes a number of things in full: 12,345. */
export function count(n: number): string {
  return grouped.format(n)
}

/** short writes a number in at most four characters and a unit: 12.3k. */
export function short(n: number): string {
  for (const [size, unit] of [
    [1e9, 'G'],
    [1e6, 'M'],
    [1e3, 'k'],
  ] as const) {
    if (Math.abs(n) >= size * 0.9995) return three(n / size) + unit
  }
  return three(n)
}

/** three writes a number to three digits, without zeros that say nothing. */
function three(n: number): string {
  const size = Math.abs(n)
  if (size === 0) return '0'
  const digits = size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2
  return n.toFixed(digits).replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
}

/** duration writes a time in the unit that suits it: 840 µs, 12.3 ms, 1.5 s, 3 min 20 s. */
export function duration(seconds: Seconds | null | undefined): string {
  if (seconds === null || seconds === undefined) return '–'
  const size = Math.abs(seconds)
  if (size === 0) return '0 ms'
  if (size < 0.0009995) return `${Math.round(seconds * 1e6)} µs`
  if (size < 0.9995) return `${three(seconds * 1e3)} ms`
  if (size < 119.5) return `${three(seconds)} s`
  const whole = Math.round(size)
  const sign = seconds < 0 ? '-' : ''
  if (whole < 7200) return `${sign}${Math.floor(whole / 60)} min ${whole % 60} s`
  const minutes = Math.round(whole / 60)
  return `${sign}${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** percent writes a share; what is not quite nothing, or all, does not look so. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '–'
  if (share === 0) return '0 %'
  if (share === 1) return '100 %'
  const of = share * 100
  if (of < 0.1) return '< 0.1 %'
  if (of > 99.9) return '> 99.9 %'
  return `${of < 10 ? three(Number(of.toFixed(1))) : of > 99 ? of.toFixed(1) : of.toFixed(0)} %`
}

/** rate writes how many there are in a minute, or in a second where they are many. */
export function rate(n: number, seconds: Seconds): string {
  if (seconds <= 0) return '–'
  const second = n / seconds
  return second >= 10 ? `${short(second)}/s` : `${short(second * 60)}/min`
}

const sizes = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** bytes writes a size. */
export function bytes(n: number): string {
  let unit = 0
  while (Math.abs(n) >= 1024 && unit < sizes.length - 1) {
    n /= 1024
    unit++
  }
  return `${three(n)} ${sizes[unit]}`
}

/** plural writes a number and its word. */
export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

/** milliseconds writes seconds as a field for milliseconds has them, to the microsecond. */
export function milliseconds(seconds: Seconds): string {
  return String(Number((seconds * 1000).toFixed(3)))
}

/** lasting writes a long time in days, or a shorter one as duration does. */
export function lasting(seconds: Seconds): string {
  return seconds >= 172_800 ? plural(Math.round(seconds / 86_400), 'day') : duration(seconds)
}

/** percentOf reads a share that was typed in percent; null if it is none from 0 to 100. */
export function percentOf(text: string): number | null {
  const trimmed = text.trim().replace(/\s*%$/, '').replace(',', '.')
  if (!/^\d+(\.\d*)?$|^\.\d+$/.test(trimmed)) return null
  const value = Number(trimmed)
  return value <= 100 ? value : null
}

/** percentText writes a share from 0 to 1 as percentOf reads it. */
export function percentText(share: number): string {
  return String(Number((share * 100).toFixed(6)))
}

/** listed writes words as a sentence does: a, b or c. */
export function listed(words: readonly string[], and: 'and' | 'or'): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} ${and} ${words.at(-1)}`
}
