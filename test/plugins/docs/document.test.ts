import { describe, expect, test } from 'bun:test'
import type { MediaType, Operation } from '#src/plugins/docs/types.ts'
import { documentOf } from '#src/plugins/docs.ts'
import { createValidator } from '#test/support/json-schema.ts'
import { lintOpenApi } from '#test/support/lint-openapi.ts'
import { json, type ProblemJson } from '#test/support/test-app.ts'
import { createWholeApp } from '#test/support/whole-app.ts'

const LINT_MS = 30_000

const { app, send, signIn } = createWholeApp()
const document = await documentOf(app)
const validate = createValidator(document)
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    method: method.toUpperCase(),
    path,
    operation,
  })),
)

test(
  'the document is valid OpenAPI by the strict rules',
  async () => {
    expect(await lintOpenApi(JSON.stringify(document))).toEqual([])
  },
  LINT_MS,
)

test(
  'the linter would tell of a fault',
  async () => {
    const [first] = operations
    if (!first) throw new Error('The document has no operation.')
    const { summary: _, ...untold } = first.operation
    const broken = {
      ...document,
      paths: { [first.path]: { get: { ...untold, responses: { 200: {} } } } },
    }
    const faults = await lintOpenApi(JSON.stringify(broken))
    expect(faults.some((fault) => fault.startsWith('struct'))).toBe(true)
    expect(faults.some((fault) => fault.startsWith('operation-summary'))).toBe(true)
  },
  LINT_MS,
)

/** Pages and files for a browser, which no client calls. */
const HIDDEN = ['GET /swagger/{asset}', 'GET /v1/subscription/return']

test('every route of the app is in the document, bar what only a browser loads', () => {
  const told = operations.map(({ name }) => name).sort()
  const routes = app.routes
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`)
    .filter((name) => !HIDDEN.includes(name))
    .sort()
  expect(told).toEqual(routes)
})

describe.each(operations)('$name', ({ name, method, path, operation }) => {
  test('says what it is for', () => {
    expect(operation.summary).toMatch(/^.{3,100}$/)
    expect(operation.tags).toHaveLength(1)
    expect(document.tags.map((tag) => tag.name)).toContain(operation.tags[0] ?? '')
  })

  test('describes every parameter', () => {
    for (const parameter of operation.parameters ?? []) {
      if ('$ref' in parameter) continue
      expect([parameter.name, parameter.description]).toEqual([
        parameter.name,
        expect.stringMatching(/.{3}/),
      ])
    }
  })

  test('describes every answer, and shows each that has a body', () => {
    expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true)
    for (const [status, response] of responsesOf(operation)) {
      expect([status, response.description]).toEqual([status, expect.stringMatching(/.{3}/)])
      expect([status, response.headers?.['X-Request-Id'] !== undefined]).toEqual([status, true])
      for (const media of Object.values(response.content ?? {})) {
        expect([status, examplesOf(media).length > 0]).toEqual([status, true])
      }
    }
  })

  test('shows its body', () => {
    for (const media of Object.values(operation.requestBody?.content ?? {})) {
      expect(examplesOf(media).length).toBeGreaterThan(0)
    }
  })

  test('gives examples that its schemas accept', () => {
    const bodies = operation.requestBody ? [['body', operation.requestBody] as const] : []
    for (const [where, { content = {} }] of [...bodies, ...responsesOf(operation)]) {
      for (const media of Object.values(content)) {
        for (const example of examplesOf(media)) {
          expect([where, validate(media.schema, example)]).toEqual([where, []])
        }
      }
    }
  })

  test('asks for a token exactly where the server does', async () => {
    if (path === '/metrics') return
    const answer = await send(method, path.replaceAll(/[{}]/g, ''))
    const { type } = answer.status === 401 ? await json<ProblemJson>(answer) : { type: '' }
    expect([name, operation.security.length > 0]).toEqual([
      name,
      type === '/problems/unauthenticated',
    ])
    expect('401' in operation.responses || operation.security.length === 0).toBe(true)
  })
})

test('the Idempotency-Key is told of exactly where it is honoured', async () => {
  const honouring: string[] = []
  const headers = { 'idempotency-key': 'x'.repeat(256) }
  for (const { name, method, path, operation } of operations) {
    if (method !== 'POST' || operation.security.length === 0) continue
    const { token } = await signIn()
    const body = operation.requestBody?.content['application/json']?.example
    const answer = await send(method, path.replaceAll(/[{}]/g, ''), { token, headers, body })
    if ((await answer.text()).includes('#header/Idempotency-Key')) honouring.push(name)
  }
  const told = operations.filter(({ operation }) =>
    operation.parameters?.some(
      (parameter) => '$ref' in parameter && /Idempotency/.test(parameter.$ref),
    ),
  )
  expect(told.map(({ name }) => name)).toEqual(honouring)
  expect(honouring.length).toBeGreaterThan(2)
})

function responsesOf(operation: Operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    const name = '$ref' in response ? response.$ref.split('/').at(-1) : undefined
    const found = name === undefined ? response : document.components.responses[name]
    if (!found || '$ref' in found) throw new Error(`${status} leads nowhere.`)
    return [status, found] as const
  })
}

function examplesOf(media: MediaType): unknown[] {
  const named = Object.values(media.examples ?? {}).map(({ value }) => value)
  return media.example === undefined ? named : [media.example, ...named]
}
