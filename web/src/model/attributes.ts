// The attributes by which an analysis takes traces apart; docs/console-api.md.

/** What people call the attributes, without those of annotations, in the order in which they are offered. */
export const attributeNames: Readonly<Record<string, string>> = {
  outcome: 'Outcome',
  entrypoint: 'Entry service',
  service: 'Service',
  'http.status': 'Status',
  'http.method': 'Method',
  'http.url': 'URL',
  user: 'User',
  'http.useragent': 'User agent',
  'http.clientip': 'Client IP',
  'service.fault': 'Service with faults',
  'service.error': 'Service with errors',
  'service.throttle': 'Service throttled',
  edge: 'Call between services',
  type: 'Type of service',
  annotations: 'Annotation keys',
  'account.id': 'Account',
  availabilityzone: 'Availability zone',
  'instance.id': 'Instance',
  'resource.arn': 'Resource ARN',
  'rootcause.fault.service': 'Root cause of faults: service',
  'rootcause.fault.entity': 'Root cause of faults: path',
  'rootcause.fault.exception': 'Root cause of faults: exception',
  'rootcause.fault.message': 'Root cause of faults: message',
  'rootcause.error.service': 'Root cause of errors: service',
  'rootcause.error.entity': 'Root cause of errors: path',
  'rootcause.error.exception': 'Root cause of errors: exception',
  'rootcause.error.message': 'Root cause of errors: message',
  'rootcause.responsetime.service': 'Root cause of time: service',
  'rootcause.responsetime.entity': 'Root cause of time: path',
}

/** annotationAttribute is the attribute of an annotation, whose key is as completion writes it. */
export function annotationAttribute(key: string): string {
  return `annotation[${key}]`
}

/** annotationKey is the key of an attribute of an annotation; null if it is another. */
export function annotationKey(attribute: string): string | null {
  const key = /^annotation(?:\.(.+)|\[(.+)\])$/s.exec(attribute)
  return key ? (key[1] ?? key[2]!) : null
}

/** attributeName is what people call an attribute. */
export function attributeName(attribute: string): string {
  return attributeNames[attribute] ?? annotationKey(attribute) ?? attribute
}

/** splitAttributes reads names with commas between, each once. Keys of annotations may have commas: those in brackets do not count. */
export function splitAttributes(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let part = ''
  for (const letter of text) {
    if (letter === '[') depth++
    else if (letter === ']') depth = Math.max(0, depth - 1)
    if (letter === ',' && depth === 0) {
      parts.push(part)
      part = ''
    } else part += letter
  }
  parts.push(part)
  return [...new Set(parts.map((one) => one.trim()).filter((one) => one !== ''))]
}

export function joinAttributes(names: readonly string[]): string {
  return names.join(',')
}
