import { describe, expect, test } from 'bun:test'
import { command } from '#src/database/steps.ts'
import { turns } from '#test/support/fake-clock.ts'
import { add, openNotes, texts } from '#test/support/test-notes.ts'

describe('durable before told', () => {
  test('when a command resolves, another connection sees what it wrote', async () => {
    using notes = openNotes()
    const { database } = notes
    const other = notes.beside()
    const seen: number[] = []
    await Promise.all(
      Array.from({ length: 50 }, async (_, at) => {
        for (let hop = 0; hop < at % 5; hop++) await turns(1)
        await database.run(add, `note ${at}`)
        seen.push(other.query('SELECT 1 FROM notes WHERE text = ?1').all(`note ${at}`).length)
      }),
    )
    expect(seen).toEqual(Array.from({ length: 50 }, () => 1))
  })

  test('what was acknowledged survives a kill -9 in the same instant', async () => {
    using notes = openNotes()
    const { database } = notes
    const script = `
      import { openDatabase } from '#src/database/sqlite/open.ts'
      import { sql } from 'drizzle-orm'
      import { statement } from '#src/database/statement.ts'
      import { command } from '#src/database/steps.ts'
      const database = openDatabase(${JSON.stringify(notes.path)})
      const insert = statement((p) => sql.raw('INSERT INTO notes (text) VALUES (').append(sql\`\${p.text}\`).append(sql.raw(')')))
      const add = command('add', function* (tx, text) { yield* tx.run(insert, { text }) })
      for (let at = 0; ; at++) {
        await database.run(add, 'note ' + at)
        process.stdout.write('note ' + at + '\\n')
      }`
    const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'inherit' })
    let told = ''
    for await (const chunk of child.stdout) {
      told += new TextDecoder().decode(chunk)
      if (told.length > 2_000 && !child.killed) child.kill('SIGKILL')
    }
    const acknowledged = told.slice(0, told.lastIndexOf('\n')).split('\n')
    expect(acknowledged.length).toBeGreaterThan(100)
    const stored = new Set(texts(database.sqlite))
    expect(acknowledged.filter((text) => !stored.has(text))).toEqual([])
  })

  test('notifications come after the commit, in order, and before the caller goes on', async () => {
    using notes = openNotes()
    const { database } = notes
    const other = notes.beside()
    const heard: unknown[] = []
    database.notifications.subscribe('notes', (payload) => {
      heard.push([payload, texts(other).length])
    })
    const tell = command('notes.tell', function* (tx, text: string) {
      yield* add.steps(tx, text)
      tx.notify('notes', text)
    })
    const both = [database.run(tell, 'a'), database.run(tell, 'b')]
    await Promise.all(both)
    expect(heard).toEqual([
      ['a', 2],
      ['b', 2],
    ])
  })

  test('a rolled back command tells nobody', async () => {
    using notes = openNotes()
    const { database } = notes
    const heard: unknown[] = []
    database.notifications.subscribe('notes', (payload) => heard.push(payload))
    const tell = command('notes.tell', function* (tx, text: string) {
      tx.notify('notes', text)
      if (text === 'bad') throw new Error('no')
    })
    await Promise.allSettled(['good', 'bad'].map((text) => database.run(tell, text)))
    expect(heard).toEqual(['good'])
  })
})

describe('another process holds the write lock', () => {
  test('it is waited out, the loop goes on turning, and what came meanwhile joins the commit', async () => {
    const commits: number[] = []
    using notes = openNotes({ committed: (commands) => commits.push(commands) })
    const { database } = notes
    const other = notes.beside()
    other.run('BEGIN IMMEDIATE')
    const first = database.run(add, 'first')
    // Were the wait inside SQLite, this loop could not turn, and the lock would never be let go.
    for (let turn = 0; turn < 50; turn++) await turns(1)
    const second = database.run(add, 'second')
    expect(commits).toEqual([])
    other.run('COMMIT')
    expect(await Promise.all([first, second])).toEqual([1, 2])
    expect(commits).toEqual([2])
  })

  test('a lock that is held for two seconds refuses nothing', async () => {
    const refusals: unknown[] = []
    using notes = openNotes({ refused: (error) => refusals.push(error) })
    const { database } = notes
    const other = notes.beside()
    other.run('BEGIN IMMEDIATE')
    const all = Promise.all(['a', 'b'].map((text) => database.run(add, text)))
    // Real time: how long the writer waits is what is tested.
    await Bun.sleep(2_000)
    other.run('COMMIT')
    expect(await all).toEqual([1, 2])
    expect(refusals).toEqual([])
    expect(texts(database.sqlite)).toEqual(['a', 'b'])
  }, 10_000)

  test('a lock that is never let go refuses what waits after five seconds, and the next is tried anew', async () => {
    const refused: number[] = []
    using notes = openNotes({ refused: (_error, commands) => refused.push(commands) })
    const { database } = notes
    const other = notes.beside()
    other.run('BEGIN IMMEDIATE')
    const startedAt = performance.now()
    const ends = await Promise.allSettled(['a', 'b'].map((text) => database.run(add, text)))
    expect(performance.now() - startedAt).toBeWithin(4_900, 9_000)
    expect(ends.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(refused).toEqual([2])
    const later = database.run(add, 'c')
    other.run('COMMIT')
    await later
    expect(texts(database.sqlite)).toEqual(['c'])
  }, 15_000)

  test('reads go on beside it', async () => {
    using notes = openNotes()
    const { database } = notes
    await database.run(add, 'there')
    const other = notes.beside()
    other.run('BEGIN IMMEDIATE')
    expect(texts(database.sqlite)).toEqual(['there'])
    other.run('ROLLBACK')
  })
})
