import { describe, expect, test } from 'bun:test'
import { stripeAttempts } from '#drizzle/schema.ts'
import { Problem } from '#src/lib/problem.ts'
import { createSingleFlight } from '#src/modules/billing/single-flight.ts'
import { turns } from '#test/support/fake-clock.ts'
import { createTestApp } from '#test/support/test-app.ts'

/** Runs that each test ends by hand. */
function setUp({ joins = true } = {}) {
  const { database, clock, random } = createTestApp()
  const runs: PromiseWithResolvers<number>[] = []
  const singleFlight = createSingleFlight({ database, clock, random })
  /** The users for whom the database says that something runs. */
  const running = () =>
    database.orm
      .select()
      .from(stripeAttempts)
      .all()
      .map(({ scope }) => scope.replace('flight:', ''))
  const work = () => {
    const run = Promise.withResolvers<number>()
    runs.push(run)
    return run.promise
  }
  return {
    runs,
    running,
    work: singleFlight(work, { joins }),
    other: singleFlight(work),
    otherProcess: createSingleFlight({ database, clock, random })(work),
  }
}

describe('Runs of one user', () => {
  test('a caller during a run shares it where it may join', async () => {
    const { runs, work } = setUp()
    const first = work('a')
    await turns(3)
    const second = work('a')
    expect(runs).toHaveLength(1)
    runs[0]?.resolve(1)
    expect(await Promise.all([first, second])).toEqual([1, 1])
    await turns(3)
    const third = work('a')
    await turns(3)
    runs[1]?.resolve(2)
    expect(await third).toBe(2)
  })

  test('a caller during a run shares the next one where it may not join', async () => {
    const { runs, work } = setUp({ joins: false })
    const first = work('a')
    await turns(3)
    const followers = [work('a'), work('a'), work('a')]
    await turns(3)
    expect(runs).toHaveLength(1)
    runs[0]?.resolve(1)
    expect(await first).toBe(1)
    await turns(3)
    expect(runs).toHaveLength(2)
    runs[1]?.resolve(2)
    expect(await Promise.all(followers)).toEqual([2, 2, 2])
    expect(runs).toHaveLength(2)
  })

  test('two actions of one user run one after the other, and another user waits for neither', async () => {
    const { runs, work, other, running } = setUp()
    const first = work('a')
    const second = other('a')
    void work('b')
    await turns(3)
    expect(runs).toHaveLength(2)
    expect(running()).toEqual(['a', 'b'])
    runs[0]?.resolve(1)
    expect(await first).toBe(1)
    await turns(3)
    runs[2]?.resolve(2)
    expect(await second).toBe(2)
    expect(running()).toEqual(['b'])
  })

  test('a run that fails fails its own callers only, and the next run starts', async () => {
    const { runs, work, other, running } = setUp()
    const first = work('a')
    const second = other('a')
    await turns(3)
    runs[0]?.reject(new Error('down'))
    await expect(first).rejects.toThrow('down')
    await turns(3)
    runs[1]?.resolve(2)
    expect(await second).toBe(2)
    expect(running()).toEqual([])
  })

  test('while another process has the user, nothing runs and the caller may try again', async () => {
    const { runs, work, otherProcess } = setUp()
    const first = otherProcess('a')
    await turns(3)
    const refused = await work('a').catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Problem)
    expect(refused).toMatchObject({ status: 409, slug: 'billing-busy' })
    expect(runs).toHaveLength(1)
    runs[0]?.resolve(1)
    expect(await first).toBe(1)
  })
})
