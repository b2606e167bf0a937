import { expect, test } from 'vitest'
import { mostHistory, parseHistory, parseSaved, remember, rename, save } from './filters'

test('history has each filter once, the last one first, and no more than so many', () => {
  expect(remember(['a', 'b'], ' b ')).toEqual(['b', 'a'])
  expect(remember(['a'], '  ')).toEqual(['a'])
  expect(remember(Array.from({ length: mostHistory }, (_, i) => `f${i}`), 'new')).toHaveLength(mostHistory)
})

test('saved filters have one name each', () => {
  let saved = save(save([], 'slow', 'duration > 1'), 'bad', 'fault ')
  expect(saved).toEqual([
    { name: 'bad', filter: 'fault' },
    { name: 'slow', filter: 'duration > 1' },
  ])
  saved = save(saved, ' bad ', 'error')
  expect(saved[0]).toEqual({ name: 'bad', filter: 'error' })
  expect(rename(saved, 'bad', 'slow')).toEqual([{ name: 'slow', filter: 'error' }])
  expect(rename(saved, 'bad', ' ')).toEqual(saved)
  expect(rename(saved, 'nobody', 'x')).toEqual(saved)
})

test('what the storage has may be anything', () => {
  for (const text of [null, '', '{', '{}', '7', 'null']) {
    expect(parseHistory(text)).toEqual([])
    expect(parseSaved(text)).toEqual([])
  }
  expect(parseHistory('["a",1]')).toEqual(['a'])
  expect(parseSaved('[{"name":"a","filter":"b"},{"name":1},null]')).toEqual([{ name: 'a', filter: 'b' }])
})
