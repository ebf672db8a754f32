import { describe, expect, test } from 'bun:test'
import { Problem } from '#src/lib/problem.ts'
import type { Flight } from '#src/modules/billing/attempts.ts'
import { createSingleFlight } from '#src/modules/billing/single-flight.ts'
import { createFakeClock, turns } from '#test/support/fake-clock.ts'

/** Runs that each test ends by hand, and the claims that are held. */
function setUp({ joins = true, claim = true } = {}) {
  const runs: PromiseWithResolvers<number>[] = []
  const claims = new Set<string>()
  const store = {
    async claimFlight({ userId }: { userId: string }): Promise<Flight | undefined> {
      if (!claim) return undefined
      expect(claims.has(userId)).toBe(false)
      claims.add(userId)
      return { scope: userId, key: 'k' }
    },
    async endFlight({ scope }: Flight) {
      claims.delete(scope)
    },
  }
  const singleFlight = createSingleFlight({ store, clock: createFakeClock() })
  const work = () => {
    const run = Promise.withResolvers<number>()
    runs.push(run)
    return run.promise
  }
  return {
    runs,
    claims,
    work: singleFlight(work, { joins }),
    other: singleFlight(work),
  }
}

describe('Runs of one user', () => {
  test('a caller during a run shares it where it may join', async () => {
    const { runs, work } = setUp()
    const first = work('a')
    await turns(1)
    const second = work('a')
    expect(runs).toHaveLength(1)
    runs[0]?.resolve(1)
    expect(await Promise.all([first, second])).toEqual([1, 1])
    await turns(1)
    const third = work('a')
    await turns(1)
    runs[1]?.resolve(2)
    expect(await third).toBe(2)
  })

  test('a caller during a run shares the next one where it may not join', async () => {
    const { runs, work } = setUp({ joins: false })
    const first = work('a')
    await turns(1)
    const followers = [work('a'), work('a'), work('a')]
    await turns(1)
    expect(runs).toHaveLength(1)
    runs[0]?.resolve(1)
    expect(await first).toBe(1)
    await turns(1)
    expect(runs).toHaveLength(2)
    runs[1]?.resolve(2)
    expect(await Promise.all(followers)).toEqual([2, 2, 2])
    expect(runs).toHaveLength(2)
  })

  test('two actions of one user run one after the other, and another user waits for neither', async () => {
    const { runs, work, other, claims } = setUp()
    const first = work('a')
    const second = other('a')
    void work('b')
    await turns(1)
    expect(runs).toHaveLength(2)
    expect([...claims]).toEqual(['a', 'b'])
    runs[0]?.resolve(1)
    expect(await first).toBe(1)
    await turns(1)
    runs[2]?.resolve(2)
    expect(await second).toBe(2)
    expect([...claims]).toEqual(['b'])
  })

  test('a run that fails fails its own callers only, and gives its claim back', async () => {
    const { runs, work, other, claims } = setUp()
    const first = work('a')
    const second = other('a')
    await turns(1)
    runs[0]?.reject(new Error('down'))
    await expect(first).rejects.toThrow('down')
    await turns(1)
    runs[1]?.resolve(2)
    expect(await second).toBe(2)
    expect(claims.size).toBe(0)
  })

  test('while another process has the user, nothing runs and the caller may try again', async () => {
    const { runs, work } = setUp({ claim: false })
    const refused = await work('a').catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Problem)
    expect(refused).toMatchObject({ status: 409, slug: 'billing-busy' })
    expect(runs).toEqual([])
  })
})
