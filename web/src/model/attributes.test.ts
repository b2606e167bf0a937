import { expect, test } from 'vitest'
import { annotationAttribute, annotationKey, attributeName, attributeNames, joinAttributes, splitAttributes } from './attributes'

test('names come back from a text', () => {
  for (const names of [[], ['user'], [annotationAttribute('a,b'), 'http.url'], Object.keys(attributeNames)]) expect(splitAttributes(joinAttributes(names))).toEqual(names)
  expect(splitAttributes(' user ,,user, annotation[x[1],y] ')).toEqual(['user', 'annotation[x[1],y]'])
})

test.each([
  ['http.url', null, 'URL'],
  ['annotation[order id]', 'order id', 'order id'],
  ['annotation.beta', 'beta', 'beta'],
  ['new.one', null, 'new.one'],
])('%s', (attribute, key, name) => {
  expect(annotationKey(attribute)).toBe(key)
  expect(attributeName(attribute)).toBe(name)
})
