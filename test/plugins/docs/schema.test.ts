import { expect, test } from 'bun:test'
import { Elysia, t } from 'elysia'
import { createSchemas, toJsonSchema } from '#src/plugins/docs/schema.ts'
import { documentOf } from '#src/plugins/docs.ts'

test('what may be null says so as OpenAPI 3.1 does', () => {
  expect(toJsonSchema(t.Nullable(t.String({ maxLength: 5 }), { description: 'd' }))).toEqual({
    type: ['string', 'null'],
    maxLength: 5,
    description: 'd',
  })
  expect(toJsonSchema(t.Nullable(t.Object({ a: t.String() }))).anyOf).toHaveLength(2)
})

test('numbers are shown without Elysia’s text form, words as an enumeration, tuples by their places', () => {
  expect(toJsonSchema(t.Integer({ minimum: 1 }))).toEqual({ type: 'integer', minimum: 1 })
  expect(toJsonSchema(t.Union([t.Literal('a'), t.Literal('b')]))).toEqual({
    type: 'string',
    enum: ['a', 'b'],
  })
  expect(toJsonSchema(t.Tuple([t.String(), t.Boolean()]))).toMatchObject({
    prefixItems: [{ type: 'string' }, { type: 'boolean' }],
    items: false,
  })
  expect(toJsonSchema(t.Record(t.String(), t.String()))).toEqual({
    type: 'object',
    additionalProperties: { type: 'string' },
  })
})

test('the validator’s error texts are not shown', () => {
  expect(toJsonSchema(t.String({ error: 'must be text' }))).toEqual({ type: 'string' })
})

test('a named schema is a reference wherever its shape occurs, keeping what is said of it there', () => {
  const Dog = t.Object({ name: t.String() }, { description: 'A dog.' })
  const Kennel = t.Object({ dogs: t.Array(Dog), best: t.Optional(Dog) })
  const { convert, components } = createSchemas({ Dog, Kennel })
  const ref = '#/components/schemas/Dog'
  expect(convert('Dog')).toEqual({ $ref: ref })
  expect(convert(t.Array(Dog))).toEqual({ type: 'array', items: { $ref: ref } })
  expect(components()['Kennel']?.properties).toEqual({
    dogs: { type: 'array', items: { $ref: ref } },
    best: { $ref: ref },
  })
  const another = t.Object({ name: t.String() }, { description: 'The dog that won.' })
  expect(convert(another)).toEqual({ $ref: ref, description: 'The dog that won.' })
  expect(convert(t.Object({ name: t.Integer() }))).not.toHaveProperty('$ref')
})

test('an optional body is not required, and an object comes as JSON or as a form', async () => {
  const body = t.Object({ a: t.String() }, { additionalProperties: false })
  const app = new Elysia()
    .post('/may', () => '', { body: t.Optional(body) })
    .post('/must', () => '', { body })
  const { paths, components } = await documentOf(app)
  expect(paths['/may']?.['post']?.requestBody?.required).toBe(false)
  const { required, content = {} } = paths['/must']?.['post']?.requestBody ?? {}
  expect(required).toBe(true)
  expect(Object.keys(content)).toEqual(['application/json', 'application/x-www-form-urlencoded'])
  expect(components.schemas['PostMustBody']?.additionalProperties).toBe(false)
})

test('building the document leaves the app as it is', async () => {
  const app = new Elysia().get('/here', () => 'here')
  const before = app.routes.length
  await documentOf(app)
  expect(app.routes).toHaveLength(before)
  const answer = await app.handle(new Request('http://localhost/here'))
  expect(await answer.text()).toBe('here')
  expect((await app.handle(new Request('http://localhost/document/json'))).status).toBe(404)
})

test('the document is the same whether or not its routes have been asked', async () => {
  const answer = t.Object({ a: t.String() })
  const app = new Elysia().get('/here', () => ({ a: 'b' }), { response: { 200: answer } })
  const before = JSON.stringify(await documentOf(app))
  await app.handle(new Request('http://localhost/here'))
  expect(JSON.stringify(await documentOf(app))).toBe(before)
})
