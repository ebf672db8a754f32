import { expect, test } from 'bun:test'
import { claim } from '#src/queue/claim.ts'
import type { JobRow } from '#src/queue/job.ts'
import { createTestQueue } from '#test/support/test-queue.ts'

function jobsOf(owner: string, count: number) {
  return Array.from({ length: count }, (_, at) => ({
    kind: 'test',
    concurrencyKey: `${owner}-${at}`,
    owner,
    body: {},
  }))
}

/** Takes one job and ends it, as a worker with one slot would. */
async function serveOne({ database, clock, queue }: ReturnType<typeof createTestQueue>) {
  const now = clock.now()
  const { rows } = await database.run(claim, { kind: 'test', limit: 1, leaseMs: 1, now })
  const [row] = rows as [JobRow | undefined]
  if (!row) return undefined
  const finish = { as: 'done', effect: undefined } as const
  await database.run(queue.commands.finish, { job: row, finish, now })
  return row.owner
}

test('an owner with a thousand rooms does not starve a newcomer', async () => {
  const test = createTestQueue()
  await test.enqueueAll(jobsOf('many', 1_000))
  for (let round = 0; round < 10; round++) await serveOne(test)
  await test.enqueueAll(jobsOf('newcomer', 3))
  const owners: unknown[] = []
  for (let round = 0; round < 6; round++) owners.push(await serveOne(test))
  expect(owners).toEqual(['many', 'newcomer', 'many', 'newcomer', 'many', 'newcomer'])
})

test('owners who come back as soon as they were served do not starve one who waits', async () => {
  const test = createTestQueue()
  await test.enqueueAll(jobsOf('waits', 5))
  await test.enqueueAll([...jobsOf('b', 1), ...jobsOf('c', 1)])
  const owners: (string | null | undefined)[] = []
  for (let round = 0; round < 12; round++) {
    const owner = await serveOne(test)
    owners.push(owner)
    if (owner === 'b' || owner === 'c') await test.enqueueAll(jobsOf(owner, 1))
  }
  expect(owners.filter((owner) => owner === 'waits')).toHaveLength(4)
})

test('what an owner used while nobody else waited is not held against it', async () => {
  const test = createTestQueue()
  for (let round = 0; round < 50; round++) {
    await test.enqueueAll(jobsOf('used', 1))
    await serveOne(test)
  }
  await test.enqueueAll(jobsOf('fresh', 20))
  await test.enqueueAll(jobsOf('used', 1))
  expect([await serveOne(test), await serveOne(test)]).toEqual(['fresh', 'used'])
})

test('jobs that fall due together are shared by owner as well', async () => {
  const test = createTestQueue()
  const dueAt = test.clock.now() + 1_000
  await test.enqueueAll(jobsOf('many', 20).map((job) => ({ ...job, dueAt })))
  await test.enqueueAll(jobsOf('few', 2).map((job) => ({ ...job, dueAt })))
  expect(await serveOne(test)).toBeUndefined()
  test.clock.set(dueAt)
  const owners: unknown[] = []
  for (let round = 0; round < 4; round++) owners.push(await serveOne(test))
  expect(owners).toEqual(['many', 'few', 'many', 'few'])
})

test('jobs that become ready after the active one of their key are shared by owner as well', async () => {
  const test = createTestQueue()
  await test.enqueueAll([...jobsOf('many', 10), ...jobsOf('many', 10)])
  await test.enqueueAll([...jobsOf('few', 1), ...jobsOf('few', 1)])
  const owners: unknown[] = []
  for (let round = 0; round < 4; round++) owners.push(await serveOne(test))
  expect(owners).toEqual(['many', 'few', 'many', 'few'])
})
