import { expect, test } from 'bun:test'
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
  const many = JSON.stringify(Array.from({ length: 500 }, () => '\0'))
  expect(await told(`{"a":${many}}`)).toMatchObject({ errors: { length: 20 } })
})

test('a name with bad text is refused and not told as it was', async () => {
  const { told } = await setUp()
  const errors = [{ pointer: '/ti\ufffdtle', detail: TEXT }]
  expect(await told('{"ti\\u0000tle":1}')).toEqual({ status: 422, errors })
  expect(await told('{"ti\\ud800tle":1}')).toEqual({ status: 422, errors })
})

test('a deep body with an escape in it is 401 to a stranger and refused to others', async () => {
  const { send, told } = await setUp()
  const body = `{"a":"\\u0041","b":${'['.repeat(20_000)}${']'.repeat(20_000)}}`
  expect((await send('POST', '/v1/chatroom', { body })).status).toBe(401)
  const { status } = Object(await told(body))
  expect([400, 422]).toContain(status)
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
    { pointer: '/name', detail: 'must be 1 to 100 characters, not only blanks' },
  ])
})
