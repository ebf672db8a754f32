import { afterAll, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { createTestQueue } from '#test/support/test-queue.ts'

const folder = mkdtempSync(join(tmpdir(), 'pollux-zombie-'))
const path = join(folder, 'data.db')
afterAll(() => rmSync(folder, { recursive: true }))

/** A worker in a process of its own, and the lines it writes. */
function startWorker(name: string, ...options: 'stop'[]) {
  const script = join(import.meta.dir, '..', 'support', 'zombie-worker.ts')
  const child = Bun.spawn([process.execPath, script, path, name, ...options], {
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  // Bun's own stream type, as Node's reads it.
  const lines = createInterface(Readable.fromWeb(child.stdout as never))[Symbol.asyncIterator]()
  return {
    child,
    async line(part: string): Promise<string> {
      for (;;) {
        const { value, done } = await lines.next()
        if (done) throw new Error(`${name} ended before it said '${part}'`)
        if (value.includes(part)) return value
      }
    },
    go() {
      child.stdin.write('go\n')
      child.stdin.flush()
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}

async function untilStopped(pid: number): Promise<void> {
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) await Bun.sleep(1)
}

test('a process that was stopped past its lease and woken cannot answer twice', async () => {
  const { database, enqueue, row, clock } = createTestQueue({ path })
  clock.set(Date.now())
  const id = await enqueue({ concurrencyKey: 'room' })
  await using first = startWorker('first', 'stop')
  await first.line('running')
  await untilStopped(first.child.pid)
  // Were it stopped within a commit, nobody could write, and this test would wait for its time-out.
  expect(() => database.sqlite.transaction(() => {}).immediate()).not.toThrow()
  await using second = startWorker('second')
  // It runs once the lease of the first is over and was taken back.
  await second.line('running')
  expect(row(id)).toMatchObject({ state: 'running', attempt: 2, losses: 1 })
  second.go()
  first.go()
  await second.line('answered')
  const ended = row(id)
  first.child.kill('SIGCONT')
  expect(JSON.parse(await first.line('result refused'))).toMatchObject({ job: id, attempt: 1 })
  expect(database.sqlite.query('SELECT name FROM providers').all()).toEqual([{ name: 'second' }])
  expect(row(id)).toEqual(ended)
  expect(ended).toMatchObject({ state: 'done', attempt: 2 })
  database.close()
}, 30_000)
