import type { MediaType, OpenApi, Operation } from '#src/plugins/docs/types.ts'
import { type Folder, journey, type Step } from './journey.ts'

const SCHEMA = 'https://schema.getpostman.com/json/collection/v2.1.0/collection.json'

/** Filled in by the collection itself; the rest are taken from answers. */
const GIVEN: Record<string, string> = {
  baseUrl: 'http://127.0.0.1:3000',
  ownPhone: '',
  metricsToken: '',
  stripeWebhookSecret: '',
}

/** The Postman collection of a document: each operation at least once. @throws where one is left out */
export function toCollection(document: OpenApi) {
  const told = new Set(journey.flatMap(({ steps }) => steps.map(({ operation }) => operation)))
  const missing = Object.entries(document.paths)
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    .filter((operation) => !told.has(operation))
  if (missing.length > 0) {
    throw new Error(`scripts/postman/journey.ts has no step for ${missing.join(', ')}`)
  }
  return {
    info: {
      name: 'Pollux',
      description: document.info['description'],
      schema: SCHEMA,
    },
    auth: bearer('token'),
    variable: Object.entries(GIVEN).map(([key, value]) => ({ key, value })),
    item: journey.map((folder) => toFolder(document, folder)),
  }
}

function toFolder(document: OpenApi, { name, description, steps }: Folder) {
  return { name, description, item: steps.map((step) => toItem(document, step)) }
}

function toItem(document: OpenApi, step: Step) {
  const [method = '', path = ''] = step.operation.split(' ')
  const operation = document.paths[path]?.[method.toLowerCase()]
  if (!operation) throw new Error(`The document has no ${step.operation}`)
  const note = step.note === undefined ? '' : ` (${step.note})`
  return {
    name: operation.summary + note,
    event: [
      ...(step.before ? [script('prerequest', step.before)] : []),
      script('test', toTest(step)),
    ],
    request: {
      method,
      description: operation.description ?? operation.summary,
      auth: operation.security.length === 0 ? { type: 'noauth' } : bearer(step.token ?? 'token'),
      header: toHeaders(operation, step),
      url: toUrl(path, step),
      ...toBody(operation, step),
    },
  }
}

function toHeaders(operation: Operation, { headers = {} }: Step) {
  const isIdempotent = operation.parameters?.some(
    (parameter) => '$ref' in parameter && parameter.$ref.endsWith('/IdempotencyKey'),
  )
  return Object.entries({
    ...(operation.requestBody ? { 'Content-Type': 'application/json' } : {}),
    ...(isIdempotent ? { 'Idempotency-Key': '{{$guid}}' } : {}),
    ...headers,
  }).map(([key, value]) => ({ key, value }))
}

function toUrl(path: string, { path: variables = {}, query = {} }: Step) {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_all, name: string) => {
    const value = variables[name]
    if (value === undefined) throw new Error(`${path} needs a value for ${name}`)
    return value
  })
  const asked = new URLSearchParams(query).toString()
  return {
    raw: `{{baseUrl}}${filled}${asked && `?${asked}`}`,
    host: ['{{baseUrl}}'],
    path: filled.slice(1).split('/'),
    query: Object.entries(query).map(([key, value]) => ({ key, value })),
  }
}

function toBody({ requestBody }: Operation, { body }: Step) {
  const media: MediaType | undefined = requestBody?.content['application/json']
  if (!media) return {}
  const example = typeof media.example === 'object' ? media.example : {}
  return {
    body: {
      mode: 'raw',
      raw: JSON.stringify({ ...example, ...body }, null, 2),
      options: { raw: { language: 'json' } },
    },
  }
}

function toTest({ statuses, captures = {} }: Step): string[] {
  const allowed = statuses.join(', ')
  return [
    `pm.test('answers ${statuses.join(' or ')}', () => pm.expect(pm.response.code).to.be.oneOf([${allowed}]))`,
    ...Object.entries(captures).flatMap(([name, place]) => [
      `const ${name} = require('lodash').get(pm.response.json(), '${place}')`,
      `if (${name} !== undefined) pm.collectionVariables.set('${name}', ${name})`,
    ]),
  ]
}

function script(listen: 'prerequest' | 'test', exec: string[]) {
  return { listen, script: { type: 'text/javascript', exec } }
}

function bearer(variable: string) {
  return { type: 'bearer', bearer: [{ key: 'token', value: `{{${variable}}}`, type: 'string' }] }
}
