import { expect, test } from 'bun:test'
import { renameSync } from 'node:fs'
import { isDatabaseFault } from '#src/database/fault.ts'
import { LostFile } from '#src/database/sqlite/file-watch.ts'
import { WRITER_CHECKPOINT, WRITER_FAULT } from '#src/database/sqlite/remote-writer.ts'
import type { WriterObserver } from '#src/database/sqlite/writer.ts'
import { hostWriter } from '#src/database/sqlite/writer-host.ts'
import { command } from '#src/database/steps.ts'
import { Problem } from '#src/lib/problem.ts'
import { linkedPorts } from '#test/support/linked-threads.ts'
import { add, openNotes, texts } from '#test/support/test-notes.ts'

/** Notes whose commands are run at the other end of a channel, by a connection of its own. */
function openMoved(observer?: WriterObserver, deliver?: (run: () => void) => void) {
  const notes = openNotes(observer)
  const [here, there] = linkedPorts(deliver)
  const host = hostWriter(notes.path, there)
  host.start()
  notes.database.moveWriter(here)
  return { ...notes, host, [Symbol.asyncDispose]: () => end(notes) }
}

async function end(notes: ReturnType<typeof openNotes>) {
  await notes.database.bringWriterBack()
  notes[Symbol.dispose]()
}

const refuse = command('notes.refuse', function* (tx, text: string) {
  yield* add.steps(tx, text)
  tx.notify('notes', 'never')
  throw new Problem(429, 'too-many', 'Not now.', {
    headers: { 'retry-after': '7' },
    errors: [{ pointer: '/text', detail: 'no' }],
  })
})

const tell = command('notes.tell', function* (tx, text: string) {
  tx.notify('notes', { text })
  return { id: yield* add.steps(tx, text), nothing: undefined }
})

test('the commands of a turn are one commit over there, and their answers come in order', async () => {
  const commits: number[] = []
  await using notes = openMoved({ committed: (commands) => commits.push(commands) })
  const { database } = notes
  const ran: string[] = []
  notes.host.words.subscribe('word', (word) => ran.push(`${word} after ${texts(database.sqlite)}`))
  const answers = ['a', 'b', 'c'].map((text) => database.run(add, text))
  database.thread?.tell('word', 'said')
  expect(await Promise.all(answers)).toEqual([1, 2, 3])
  expect(texts(database.sqlite)).toEqual(['a', 'b', 'c'])
  expect(commits).toEqual([3])
  expect(ran).toEqual(['said after '])
})

test('what came of a command is known before the news of its commit is told', async () => {
  await using notes = openMoved()
  const { database } = notes
  const told: unknown[] = []
  database.notifications.subscribe('notes', (payload) => told.push(payload))
  database.submit({
    command: tell,
    input: 'a',
    resolve: (value) => told.push(value),
    reject: (error) => told.push(error),
  })
  await database.run(add, 'b')
  expect(told).toEqual([{ id: 1 }, { text: 'a' }])
})

test('a refusal keeps its class, headers and members, and undoes its command alone', async () => {
  await using notes = openMoved()
  const { database } = notes
  const heard: unknown[] = []
  database.notifications.subscribe('notes', (payload) => heard.push(payload))
  const results = await Promise.allSettled([
    database.run(add, 'before'),
    database.run(refuse, 'undone'),
    database.run(add, 'after'),
  ])
  const error = results[1]?.status === 'rejected' && results[1].reason
  expect(error).toBeInstanceOf(Problem)
  expect(error).toMatchObject({
    status: 429,
    slug: 'too-many',
    message: 'Not now.',
    headers: { 'retry-after': '7' },
    extras: { errors: [{ pointer: '/text', detail: 'no' }] },
  })
  expect(texts(database.sqlite)).toEqual(['before', 'after'])
  expect(heard).toEqual([])
})

test('a constraint and a full disk come back with SQLite’s code', async () => {
  await using notes = openMoved()
  const { database, host } = notes
  await database.run(add, 'one')
  await expect(database.run(add, 'one')).rejects.toMatchObject({
    code: 'SQLITE_CONSTRAINT_UNIQUE',
  })
  const pages = host.database.sqlite.query<{ page_count: number }, []>('PRAGMA page_count').get()
  host.database.sqlite.run(`PRAGMA max_page_count = ${pages?.page_count}`)
  const full = await database.run(add, 'x'.repeat(50_000)).catch((error: unknown) => error)
  expect(full).toMatchObject({ code: 'SQLITE_FULL' })
  expect(isDatabaseFault(full)).toBe(true)
  host.database.sqlite.run('PRAGMA max_page_count = 100000')
  expect(await database.run(add, 'two')).toBe(2)
})

test('a database file that was taken away is found out over there and told here', async () => {
  const refused: unknown[] = []
  await using notes = openMoved({ refused: (error) => refused.push(error) })
  const { database, path } = notes
  renameSync(path, `${path}.away`)
  const error = await database.run(add, 'into nothing').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(LostFile)
  expect(error).toMatchObject({ what: 'deleted' })
  expect(refused[0]).toMatchObject({ what: 'deleted' })
  renameSync(`${path}.away`, path)
})

test('a command nobody knows over there is refused, and the next is not', async () => {
  await using notes = openMoved()
  const { database } = notes
  const unheard = {
    name: 'notes.unheard-of',
    steps: function* () {
      return 0
    },
  }
  await expect(database.run(unheard, undefined)).rejects.toThrow(
    "No command is named 'notes.unheard-of' here",
  )
  expect(await database.run(add, 'next')).toBe(1)
})

test('who reads in the turn in which a commit is told sees it, also in a snapshot held before', async () => {
  // At once: a real thread commits in the middle of a turn.
  await using notes = openMoved(undefined, (run) => run())
  const { database } = notes
  const holding = { on: true }
  const hold = () => {
    database.snapshot.hold()
    texts(database.sqlite)
    if (holding.on) setImmediate(hold)
  }
  hold()
  const seen = new Promise((resolve) => {
    database.submit({
      command: add,
      input: 'a',
      resolve: () => resolve(texts(database.sqlite)),
      reject: resolve,
    })
  })
  expect(await seen).toEqual(['a'])
  holding.on = false
})

test('the log is moved into the file over there; a fault of that is told here', async () => {
  await using notes = openMoved()
  const { database, host } = notes
  await database.run(add, 'a')
  const calls: string[] = []
  const faults: unknown[] = []
  database.notifications.subscribe(WRITER_FAULT, (thrown) => faults.push(thrown))
  host.database.checkpoint = () => {
    calls.push('checkpoint')
    throw new Error('no')
  }
  database.thread?.tell(WRITER_CHECKPOINT, null)
  await database.run(add, 'b')
  expect(calls).toEqual(['checkpoint'])
  expect(faults).toMatchObject([{ message: 'no' }])
})

test('brought back, everything submitted before is answered and the next is run here', async () => {
  await using notes = openMoved()
  const { database } = notes
  const before = database.run(add, 'there')
  const back = database.bringWriterBack()
  const after = database.run(add, 'here')
  await back
  expect((await Promise.all([before, after])).sort()).toEqual([1, 2])
  expect(database.thread).toBeUndefined()
  expect(texts(notes.beside()).sort()).toEqual(['here', 'there'])
})

test('brought back while another process holds the lock, it waits for its commit', async () => {
  await using notes = openMoved()
  const { database } = notes
  const other = notes.beside()
  other.run('BEGIN IMMEDIATE')
  const before = database.run(add, 'there')
  const back = database.bringWriterBack()
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  other.run('ROLLBACK')
  await back
  expect(await before).toBe(1)
})
