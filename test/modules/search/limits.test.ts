import { expect, test } from 'bun:test'
import type { Page } from '#src/lib/page.ts'
import type { SearchHit } from '#src/modules/search/model.ts'
import { NOON } from '#test/support/fake-clock.ts'
import { plantMessages } from '#test/support/plant-messages.ts'
import { createTestApp, json, type ProblemJson } from '#test/support/test-app.ts'

async function searcher(text: string) {
  const app = createTestApp()
  const { userId, token } = await app.signIn()
  plantMessages(app.database.sqlite, { userId, texts: [text], now: NOON })
  const ask = (q: string, who = token) =>
    app.send('GET', `/v1/search?q=${encodeURIComponent(q)}`, { token: who })
  const count = async (q: string) => (await json<Page<SearchHit>>(ask(q))).items.length
  return { ...app, ask, count }
}

test('a search takes 16 different words and no more, 8 of them without a space between', async () => {
  const { ask, count } = await searcher('one of a b c d e f g h i j k l m n o p q')
  const letters = [...'abcdefghijklmnopq']
  expect(await count(letters.slice(0, 16).join(' '))).toBe(1)
  expect(await count(letters.slice(0, 8).join('.'))).toBe(1)
  const refused = [
    letters.join(' '),
    letters.slice(0, 9).join('.'),
    `${letters.slice(0, 8).join('.')} ${letters.slice(8, 16).join('.')} one`,
    `${'a.'.repeat(249)}a`,
  ]
  for (const q of refused) {
    const answer = await ask(q)
    expect(answer.status).toBe(422)
    const { errors } = await json<ProblemJson>(answer)
    const detail = 'must hold at most 16 words, of them at most 8 without a space between'
    expect(errors).toEqual([{ pointer: '/q', detail }])
  }
  // The same word again costs nothing.
  expect(await count('one '.repeat(100).trim())).toBe(1)
})

test('a search takes 500 characters and no more', async () => {
  const { ask } = await searcher('x'.repeat(600))
  expect((await ask('x'.repeat(500))).status).toBe(200)
  expect((await ask('x'.repeat(501))).status).toBe(422)
})

test('SEARCHES_PER_MINUTE counts the searches of a user, also those that find nothing', async () => {
  const { ask, clock, signIn } = await searcher('one')
  const other = await signIn()
  for (let asked = 0; asked < 60; asked++) expect((await ask('none')).status).toBe(200)
  const answer = await ask('one')
  expect(answer.status).toBe(429)
  expect(answer.headers.get('ratelimit-policy')).toBe('"searches";q=60;w=60')
  expect(answer.headers.get('ratelimit')).toBe('"searches";r=0;t=60')
  expect(answer.headers.get('retry-after')).toBe('60')
  expect((await ask('one', other.token)).status).toBe(200)
  await clock.advance(60_000)
  expect((await ask('one')).status).toBe(200)
})
