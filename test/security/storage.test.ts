import type { Database as Sqlite } from 'bun:sqlite'
import { afterEach, describe, expect, test } from 'bun:test'
import type { User } from '#src/plugins/schemas.ts'
import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'
import { json, type ProblemJson, UNLIMITED } from '#test/support/test-app.ts'
import { type Attack, attack } from '#test/support/test-attack.ts'

const MEGABYTE = 1_000_000
/** Of one, two, three and four bytes. */
const LETTERS = ['a', 'é', '語', '🦊']

let open: Attack | undefined
afterEach(async () => {
  await open?.chat.stop()
  open = undefined
})

async function begin(...given: Parameters<typeof attack>): Promise<Attack> {
  open = await attack(...given)
  return open
}

const me = ({ chat, token }: Attack) => json<User>(chat.send('GET', '/v1/user/me', { token }))

/** What is counted for each user, and the same summed up anew; both are equal at any time. */
function counted(sqlite: Sqlite) {
  return sqlite
    .query<{ counted: number; stored: number; pending: number; waiting: number }, []>(
      `SELECT number_usage.stored_bytes AS counted, pending,
         (SELECT coalesce(sum(octet_length(title) + coalesce(octet_length(system_prompt), 0)), 0)
          FROM chatrooms WHERE user_id = users.id) +
         (SELECT coalesce(sum(octet_length(content)), 0) FROM messages JOIN chatrooms ON chatrooms.id = chatroom_id
          WHERE user_id = users.id AND completed_at IS NOT NULL) AS stored,
         (SELECT count(*) FROM messages JOIN chatrooms ON chatrooms.id = chatroom_id
          WHERE user_id = users.id AND completed_at IS NULL) AS waiting
       FROM number_usage JOIN users ON coalesce(users.number_digest, users.id) = number_usage.number_digest`,
    )
    .all()
}

function expectExact(sqlite: Sqlite) {
  for (const user of counted(sqlite)) {
    expect(user).toMatchObject({ counted: user.stored, pending: user.waiting })
  }
}

/** A stop that comes just as a worker begins is seen at its next poll, for which the clock has to go on. */
async function whileTimePasses({ clock }: Attack['chat'], answer: Promise<unknown>) {
  let isAnswered = false
  const settled = answer.finally(() => {
    isAnswered = true
  })
  await turns(20)
  while (!isAnswered) await clock.advance(500)
  await settled
}

describe('the stored text of a user', () => {
  for (const seed of [1, 2, 3]) {
    test(`is counted exactly after whatever has happened, seed ${seed}`, async () => {
      const { int } = createSeededRandom(seed)
      const text = (most: number) =>
        Array.from({ length: 1 + int(most) }, () => LETTERS[int(4)]).join('')
      const ways: (() => Behaviour)[] = [
        () => ({ kind: 'answer', pieces: [text(20), text(20)] }),
        () => ({ kind: 'hang', pieces: 1 }),
        () => ({ kind: 'cut', pieces: 1 }),
        () => ({ kind: 'block', reason: 'SAFETY', at: 'answer', pieces: 1 }),
      ]
      const { chat, token, path } = await begin(() => ways[int(4)]?.() ?? { kind: 'empty' }, {
        ...UNLIMITED,
        autoTitle: true,
      })
      const { sqlite } = chat.database
      const rooms: string[] = []
      const replies: string[] = []
      for (let step = 0; step < 250; step++) {
        const room = rooms[int(rooms.length)]
        const kind = int(12)
        if (room === undefined || kind === 0) {
          const body = [{}, { title: text(30) }, { systemPrompt: text(200), title: text(9) }][
            int(3)
          ]
          rooms.push(await chat.openRoom(token, body))
        } else if (kind === 1 && rooms.length > 2) {
          await chat.send('DELETE', `/v1/chatroom/${room}`, { token })
          rooms.splice(rooms.indexOf(room), 1)
        } else if (kind === 2) {
          const body = [{ title: text(60) }, { systemPrompt: text(90) }, { systemPrompt: null }][
            int(3)
          ]
          await chat.send('PATCH', `/v1/chatroom/${room}`, { token, body })
        } else if (kind === 3) {
          const reply = replies[int(replies.length)]
          await whileTimePasses(chat, chat.send('POST', path(room, `/${reply}/cancel`), { token }))
        } else if (kind === 4) {
          const reply = replies[int(replies.length)]
          await chat.send('POST', path(room, `/${reply}/regenerate`), { token })
        } else {
          replies.push((await chat.prompt(token, room, text(100))).reply.id)
        }
        await turns(int(10))
        if (int(3) === 0) await chat.clock.advance(int(2_000))
        expectExact(sqlite)
      }
      expect(counted(sqlite)).toMatchObject([{ counted: expect.any(Number) }])
      expect(counted(sqlite)[0]?.counted).toBeGreaterThan(1_000)
    })
  }

  test('is freed at once with a large room, and stays exact while that is erased bit by bit', async () => {
    const test = await begin(() => ({ kind: 'answer', pieces: ['yes'] }), UNLIMITED)
    const { chat, token, roomId } = test
    const small = await chat.openRoom(token, { title: 'small' })
    let last = ''
    for (let at = 0; at < 60; at++) {
      last = (await chat.prompt(token, roomId, 'x'.repeat(100))).reply.id
    }
    await chat.final(token, roomId, last)
    expect((await me(test)).storage.usedBytes).toBe('New chat'.length + 60 * 103 + 'small'.length)
    await chat.send('DELETE', `/v1/chatroom/${roomId}`, { token })
    expect((await me(test)).storage.usedBytes).toBe('small'.length)
    const left = chat.database.sqlite.query(
      "SELECT 1 FROM jobs WHERE kind = 'users.erase' AND ended_at IS NULL",
    )
    while (left.get()) {
      expectExact(chat.database.sqlite)
      await chat.clock.advance(10)
    }
    await chat.send('DELETE', `/v1/chatroom/${small}`, { token })
    expect((await me(test)).storage.usedBytes).toBe(0)
    // Of the room that was set aside nothing is counted either.
    expect(chat.database.sqlite.query('SELECT 1 FROM number_usage').all()).toHaveLength(1)
  })

  test('above the limit refuses prompts, rooms and longer texts, costs nothing, and goes on once some is deleted', async () => {
    const test = await begin(() => ({ kind: 'answer', pieces: ['x'.repeat(100)] }), {
      ...UNLIMITED,
      userStorageMb: 1,
    })
    const { chat, token, roomId, counts, send } = test
    const other = await chat.openRoom(token)
    chat.database.sqlite.run(`UPDATE number_usage SET stored_bytes = ${MEGABYTE - 1_500}`)
    expect((await send(other)).status).toBe(202)
    const refusals = [
      await send(),
      await chat.send('POST', '/v1/chatroom', { token, body: { systemPrompt: 'x'.repeat(600) } }),
      await chat.send('PATCH', `/v1/chatroom/${roomId}`, {
        token,
        body: { systemPrompt: 'é'.repeat(300) },
      }),
    ]
    for (const refused of refusals) {
      expect(refused.status).toBe(409)
      expect((await json<ProblemJson>(refused)).type).toBe('/problems/storage-full')
    }
    expect(counts()).toMatchObject({ used: 1, starts: 1 })
    expect((await me(test)).storage).toMatchObject({ limitBytes: MEGABYTE })
    await chat.send('DELETE', `/v1/chatroom/${other}`, { token })
    expect((await send()).status).toBe(202)
  })

  test('has a larger limit for Pro', async () => {
    const test = await begin(() => ({ kind: 'answer' }))
    expect((await me(test)).storage).toEqual({ usedBytes: 8, limitBytes: 50 * MEGABYTE })
    test.chat.database.sqlite.run("UPDATE users SET tier_override = 'pro'")
    expect((await me(test)).storage).toEqual({ usedBytes: 8, limitBytes: 1_000 * MEGABYTE })
  })
})
