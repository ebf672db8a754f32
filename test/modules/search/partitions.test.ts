import { describe, expect, test } from 'bun:test'
import type { Page } from '#src/lib/page.ts'
import { createFindMessages } from '#src/modules/search/find-messages.sqlite.ts'
import type { SearchHit } from '#src/modules/search/model.ts'
import { parseQuery } from '#src/modules/search/phrases.ts'
import { findMatch, listMatches } from '#src/modules/search/statements.sqlite.ts'
import { createFakeClock } from '#test/support/fake-clock.ts'
import { planOf } from '#test/support/plans.ts'
import { plantMessages } from '#test/support/plant-messages.ts'
import { createTestApp, json } from '#test/support/test-app.ts'

/** Of so many words that three messages fill a partition. */
const long = (name: string) =>
  `${name} ${Array.from({ length: 7_000 }, (_, at) => `w${at.toString(36)}`).join(' ')}`

async function searcher(texts: string[], clock = createFakeClock()) {
  const app = createTestApp({ searchesPerMinute: 1_000 }, { clock })
  const user = await app.signIn()
  const { sqlite } = app.database
  const plant = (more: string[]) =>
    plantMessages(sqlite, { userId: user.userId, texts: more, now: clock.now() })
  plant(texts)
  const pages = async (q: string, limit: number) => {
    const found: string[][] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = `q=${q}&limit=${limit}${cursor && `&cursor=${cursor}`}`
      const page: Page<SearchHit> = await json(
        app.send('GET', `/v1/search?${query}`, { token: user.token }),
      )
      found.push(page.items.map(({ snippet }) => snippet.split(' ')[0] ?? ''))
      cursor = page.nextCursor
    }
    return found
  }
  const partitions = () =>
    sqlite
      .query<{ number: number; first_key: number; terms: number }, []>(
        'SELECT number, first_key, terms FROM search_partitions ORDER BY first_key',
      )
      .all()
  return { ...app, ...user, sqlite, plant, pages, partitions }
}

describe('The index of a user', () => {
  test('is cut into partitions, through which a search goes, the newest messages first', async () => {
    const names = Array.from({ length: 10 }, (_, at) => `m${at}`)
    const { services, pages, partitions } = await searcher(names.map(long))
    await services.search.catchUp()
    expect(partitions().length).toBe(4)
    for (const { terms } of partitions()) expect(terms).toBeLessThanOrEqual(28_000)
    const newestFirst = names.toReversed()
    expect(await pages('w1', 100)).toEqual([newestFirst])
    expect((await pages('w1', 3)).flat()).toEqual(newestFirst)
    expect((await pages('w1', 1)).flat()).toEqual(newestFirst)
    expect(await pages('m4', 5)).toEqual([['m4']])
    expect(await pages('w1%20w2%20unheard', 5)).toEqual([[]])
  })

  test('takes messages whose keys are among those it has, as of replies that end late', async () => {
    const { sqlite, services, pages, partitions } = await searcher(
      Array.from({ length: 12 }, (_, at) => long(`m${at}`)),
    )
    // Every third is final only when all the others have been indexed.
    const late = 'key % 3 = 0'
    sqlite.run(`DELETE FROM search_pending WHERE ${late}`)
    await services.search.catchUp()
    const before = partitions().length
    sqlite.run(`INSERT INTO search_pending SELECT key FROM messages WHERE ${late}`)
    await services.search.catchUp()
    // Each is large enough to begin one of its own where its neighbours are full.
    expect(partitions().length).toBeLessThanOrEqual(before + 4)
    for (const { terms } of partitions()) expect(terms).toBeLessThanOrEqual(28_000)
    const found = (await pages('w1', 2)).flat()
    expect(found.toSorted()).toEqual(Array.from({ length: 12 }, (_, at) => `m${at}`).toSorted())
  })

  test('is read from the key of a cursor whose partition is gone', async () => {
    const { database, clock, services, userId } = await searcher(['a m1', 'a m2', 'a m3'])
    await services.search.catchUp()
    const phrases = parseQuery('a')
    const find = async (partition: number) => {
      const asked = { userId, phrases, limit: 5, after: { partition, before: 3 } }
      const { found } = await database.read(createFindMessages(clock), asked)
      return found.map(({ snippet }) => snippet)
    }
    expect(await find(1)).toEqual(['a m2', 'a m1'])
    expect(await find(99)).toEqual(['a m2', 'a m1'])
  })

  test('is forgotten with the user', async () => {
    const { sqlite, services, partitions, userId } = await searcher(['one'])
    await services.search.catchUp()
    expect(partitions()).toEqual([{ number: 1, first_key: 1, terms: 1 }])
    sqlite.run('DELETE FROM users WHERE id = ?', [userId])
    expect(partitions()).toEqual([])
  })

  test('is read in its own order: no page is sorted', async () => {
    const { sqlite } = await searcher([])
    expect(planOf(sqlite, listMatches)).toEqual([
      expect.stringMatching(/^SCAN f VIRTUAL TABLE INDEX /),
    ])
    expect(planOf(sqlite, findMatch)).toEqual([
      'SEARCH messages USING INTEGER PRIMARY KEY (rowid=?)',
      expect.stringMatching(/^SEARCH chatrooms USING INDEX sqlite_autoindex_chatrooms_1 \(id=\?\)/),
    ])
  })
})

describe('A search whose time is up', () => {
  test('ends its page early and goes on at its cursor', async () => {
    const clock = createFakeClock()
    const names = Array.from({ length: 40 }, (_, at) => `m${at}`)
    const { services, pages } = await searcher(
      names.map((name) => `${name} rain`),
      clock,
    )
    await services.search.catchUp()
    // Each look at the clock takes a millisecond.
    const { now } = clock
    let looks = 0
    clock.now = () => now() + looks++
    const found = await pages('rain', 100)
    clock.now = now
    expect(found.flat()).toEqual(names.toReversed())
    expect(Math.max(...found.map((page) => page.length))).toBeLessThanOrEqual(5)
  })

  test('goes on through messages that are not hits', async () => {
    const clock = createFakeClock()
    const { services, pages } = await searcher(
      ['b a', ...Array.from({ length: 30 }, () => 'a c b')],
      clock,
    )
    await services.search.catchUp()
    const { now } = clock
    let looks = 0
    clock.now = () => now() + looks++
    const found = await pages('b.a', 100)
    clock.now = now
    expect(found.flat()).toEqual(['b'])
    expect(found.length).toBeGreaterThan(5)
  })

  test('goes on through partitions without a hit', async () => {
    const clock = createFakeClock()
    const names = Array.from({ length: 24 }, (_, at) => `m${at}`)
    const { services, pages, partitions } = await searcher(names.map(long), clock)
    await services.search.catchUp()
    expect(partitions().length).toBeGreaterThan(6)
    const { now } = clock
    let looks = 0
    clock.now = () => now() + 2 * looks++
    const found = await pages('m0', 100)
    clock.now = now
    expect(found.flat()).toEqual(['m0'])
    expect(found.length).toBeGreaterThan(2)
  })
})
