import { expect, test } from 'bun:test'
import type { FieldError } from '#src/lib/problem.ts'
import { json, type ProblemJson } from '#test/support/test-app.ts'
import { createWholeApp } from '#test/support/whole-app.ts'

const FORM = 'application/x-www-form-urlencoded'
const TEXT = 'must not hold NUL characters or lone surrogates'

async function setUp() {
  const { send, signIn } = createWholeApp()
  const { token } = await signIn()
  /** What is told of a room that is asked for so; its title where there is nothing to tell. */
  const told = async (body: string, type = 'application/json') => {
    const answer = await send('POST', '/v1/chatroom', {
      token,
      body,
      headers: { 'content-type': type },
    })
    if (answer.status === 201) return (await json<{ title: string }>(answer)).title
    const { status, errors } = await json<ProblemJson>(answer)
    return { status, errors }
  }
  return { send, token, told }
}

test('a form is read as strictly as JSON: bytes that are no UTF-8 are told, not replaced', async () => {
  const { told } = await setUp()
  const utf8 = { pointer: '/title', detail: 'must be valid UTF-8' }
  for (const value of ['%ff', '%ED%A0%80', '%C3', 'ok%80']) {
    expect(await told(`title=${value}`, FORM)).toEqual({ status: 422, errors: [utf8] })
  }
  expect(await told('title=a%00', FORM)).toMatchObject({
    errors: [{ pointer: '/title', detail: TEXT }],
  })
  expect(await told('title=x&%ff=1', FORM)).toMatchObject({
    errors: [{ pointer: '', detail: 'names must be valid UTF-8' }],
  })
})

test('a form is read as the standard says otherwise', async () => {
  const { told } = await setUp()
  const titles = {
    'title=two+words': 'two words',
    'title=100%': '100%',
    'title=5%+of%2B%': '5% of+%',
    'title=a%3Db=c&': 'a=b=c',
    'title=%F0%9F%98%80': '😀',
    'ti%74le=x': 'x',
  }
  for (const [body, title] of Object.entries(titles)) expect(await told(body, FORM)).toBe(title)
})

test('each field with bad text is told, each once', async () => {
  const { told } = await setUp()
  const [first, second] = ['/title', '/systemPrompt'].map((pointer) => ({ pointer, detail: TEXT }))
  const both = [first, second]
  expect(await told('{"title":"\\u0000","systemPrompt":"\\ud800"}')).toMatchObject({ errors: both })
  expect(await told('title=%00&systemPrompt=%00', FORM)).toMatchObject({ errors: both })
  const twice = ['/title', '/model'].map((pointer) => ({ pointer, detail: 'must be given once' }))
  const form = 'title=a&model=b&title=c&model=d'
  expect(await told(form, FORM)).toMatchObject({ errors: twice })
  const many = JSON.stringify(Array.from({ length: 400 }, () => '\0'))
  expect(await told(`{"a":${many}}`)).toMatchObject({ errors: { length: 20 } })
})

test('a name with bad text is refused and not told as it was', async () => {
  const { told } = await setUp()
  const errors = [{ pointer: '/ti\ufffdtle', detail: TEXT }]
  expect(await told('{"ti\\u0000tle":1}')).toEqual({ status: 422, errors })
  expect(await told('{"ti\\ud800tle":1}')).toEqual({ status: 422, errors })
})

test('bad text hides no other fault, in JSON, forms and queries', async () => {
  const { send, token, told } = await setUp()
  const pointers = async (body: string, type?: string) =>
    (Object(await told(body, type)).errors as FieldError[]).map(({ pointer }) => pointer).sort()
  const all = ['/foo', '/systemPrompt', '/title']
  expect(await pointers('{"title":"\\u0000","systemPrompt":"","foo":1}')).toEqual(all)
  expect(await pointers('title=%ff&systemPrompt=&foo=1', FORM)).toEqual(all)
  expect(await pointers('{"ti\\u0000tle":1}')).toEqual(['/ti\ufffdtle'])
  const { errors } = await json<ProblemJson>(
    send('GET', '/v1/chatroom?q=%00&limit=0&limit=1', { token }),
  )
  expect(errors?.map(({ pointer }) => pointer)).toEqual(['/limit', '/q'])
})

test('an empty body is told what it lacks, as an empty object is', async () => {
  const { send, token } = await setUp()
  const missing = async (body?: string) => {
    const answer = send('PATCH', '/v1/user/me', { token, ...(body && { body }) })
    return (await json<ProblemJson>(answer)).errors?.map(({ pointer }) => pointer)
  }
  expect(await missing()).toEqual(['/name'])
  expect(await missing('{}')).toEqual(['/name'])
})

test('a body nested deep is 401 to a stranger and told where it is too deep to others', async () => {
  const { send, told } = await setUp()
  const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`
  for (const body of [
    `{"a":"\\u0041","b":${nested(400)}}`,
    `{"b":${nested(450)}}`,
    `{"b":${'{"a":'.repeat(450)}1${'}'.repeat(450)}}`,
  ]) {
    expect((await send('POST', '/v1/chatroom', { body })).status).toBe(401)
    const { status, errors } = Object(await told(body))
    expect(status).toBe(422)
    expect(errors[0]).toEqual({
      pointer: expect.stringMatching(/^\/b(\/[0a]){31}$/),
      detail: 'must not be nested more than 32 deep',
    })
    expect(errors).toContainEqual({ pointer: '/b', detail: 'Unexpected property' })
  }
  const shallow = Object(await told(`{"b":${nested(31)}}`)).errors
  expect(shallow).toEqual([{ pointer: '/b', detail: 'Unexpected property' }])
})

test('a content type counts in any case and with a blank before its parameters', async () => {
  const { told } = await setUp()
  for (const type of [
    'Application/JSON',
    'application/json ; charset=utf-8',
    'APPLICATION/json;charset=UTF-8',
  ])
    expect([type, await told('{"title":"x"}', type)]).toEqual([type, 'x'])
  expect(await told('title=x', 'Application/X-WWW-form-urlencoded ; charset=utf-8')).toBe('x')
})

test('a field that may be null says what it wants as one that may not', async () => {
  const { send, token } = await setUp()
  const answer = send('PATCH', '/v1/user/me', { token, body: { name: '' } })
  expect((await json<ProblemJson>(answer)).errors).toEqual([
    {
      pointer: '/name',
      detail:
        'must be 1 to 100 characters, at least one of them visible, without control or text direction characters',
    },
  ])
})

test('a body of thousands of values is 401 to a stranger and one fault to others', async () => {
  const { send, told } = await setUp()
  const fields = Array.from({ length: 5_000 }, (_, at) => `"f${at}":1`).join(',')
  for (const body of [`{${fields}}`, `{"b":${'['.repeat(30_000)}${']'.repeat(30_000)}}`]) {
    expect((await send('POST', '/v1/chatroom', { body })).status).toBe(401)
    const errors = [{ pointer: '', detail: 'must have at most 500 values' }]
    expect(await told(body)).toEqual({ status: 422, errors })
  }
  const form = await told('f=1&'.repeat(10_000), FORM)
  expect(Object(form).errors[0]).toEqual({ pointer: '', detail: 'must have at most 500 values' })
})
