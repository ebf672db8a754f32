import { describe, expect, test } from 'bun:test'
import { command } from '#src/database/command.ts'
import { add, openNotes, texts } from '#test/support/test-notes.ts'

const failing = command('notes.fail', () => (tx, text: string) => {
  tx.run(add, text)
  throw new Error('no')
})

describe('before a commit', () => {
  const tell = command('notes.tell', () => (tx, text: string) => {
    tx.run(add, text)
    tx.notify('notes', text)
  })

  test('who listens sees what will be told, and what it executes joins the commit', async () => {
    const commits: number[] = []
    using notes = openNotes({ committed: (commands) => commits.push(commands) })
    const { database } = notes
    const joined: Promise<number | undefined>[] = []
    const stop = database.beforeCommit((news) => {
      for (const { topic, payload } of news)
        joined.push(database.execute(add, `${topic}: ${payload}`))
    })
    await Promise.all([database.execute(tell, 'one'), database.execute(add, 'two')])
    expect(await Promise.all(joined)).toEqual([3])
    expect(texts(notes.beside())).toEqual(['one', 'two', 'notes: one'])
    expect(commits).toEqual([3])
    stop()
    await database.execute(tell, 'three')
    expect(joined).toHaveLength(1)
  })

  test('where one of them throws, each is rolled back or kept alone, and kept once', async () => {
    using notes = openNotes()
    const { database } = notes
    const joined: Promise<unknown>[] = []
    database.beforeCommit(() => {
      joined.push(database.execute(add, 'joined'), database.execute(failing, 'undone'))
    })
    expect(await database.execute(add, 'first')).toBe(1)
    const settled = await Promise.allSettled(joined)
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(texts(notes.beside())).toEqual(['first', 'joined'])
  })
})
