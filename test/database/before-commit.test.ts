import { describe, expect, test } from 'bun:test'
import { command } from '#src/database/steps.ts'
import { add, openNotes, texts } from '#test/support/test-notes.ts'

const failing = command('notes.fail', function* (tx, text: string) {
  yield* add.steps(tx, text)
  throw new Error('no')
})

describe('before a commit', () => {
  const tell = command('notes.tell', function* (tx, text: string) {
    yield* add.steps(tx, text)
    tx.notify('notes', text)
  })

  test('who listens sees what will be told, and what it executes joins the commit', async () => {
    const commits: number[] = []
    using notes = openNotes({ committed: (commands) => commits.push(commands) })
    const { database } = notes
    const joined: Promise<number | undefined>[] = []
    const stop = database.beforeCommit((news) => {
      for (const { topic, payload } of news) joined.push(database.run(add, `${topic}: ${payload}`))
    })
    await Promise.all([database.run(tell, 'one'), database.run(add, 'two')])
    expect(await Promise.all(joined)).toEqual([3])
    expect(texts(notes.beside())).toEqual(['one', 'two', 'notes: one'])
    expect(commits).toEqual([3])
    stop()
    await database.run(tell, 'three')
    expect(joined).toHaveLength(1)
  })

  test('what joined is settled first, and the others a turn of the loop later, before the next commit', async () => {
    using notes = openNotes({ committed: () => order.push('committed') })
    const order: string[] = []
    const note = (what: string) => () => void order.push(what)
    const { database } = notes
    const submit = (text: string, resolve: () => void) =>
      database.submit({ command: add, input: text, resolve, reject: note(`${text} refused`) })
    const stop = database.beforeCommit(() => {
      submit('joined', () => {
        order.push('joined')
        submit('next', note('next'))
        // As the steps of a job until its provider is asked.
        void Promise.resolve().then(note('joined’s promise'))
      })
      stop()
    })
    submit('caller', note('caller'))
    const told = Promise.withResolvers<void>()
    submit('another', told.resolve)
    await told.promise
    await database.run(add, 'last')
    expect(order).toEqual([
      'joined',
      'joined’s promise',
      'caller',
      'committed',
      'next',
      'committed',
    ])
  })

  test('where one of them throws, each is rolled back or kept alone, and kept once', async () => {
    using notes = openNotes()
    const { database } = notes
    const joined: Promise<unknown>[] = []
    database.beforeCommit(() => {
      joined.push(database.run(add, 'joined'), database.run(failing, 'undone'))
    })
    expect(await database.run(add, 'first')).toBe(1)
    const settled = await Promise.allSettled(joined)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(texts(notes.beside())).toEqual(['first', 'joined'])
  })
})
