import { describe, expect, test } from 'bun:test'
import { SECOND } from '#src/lib/time.ts'
import { createVerifiedTokens } from '#src/modules/auth/verified-tokens.ts'
import { createFakeClock } from '#test/support/fake-clock.ts'

function create(limit?: number) {
  const clock = createFakeClock()
  const asked: string[] = []
  const expiresAt = Math.floor(clock.now() / SECOND) + 60
  const verify = createVerifiedTokens(
    async (token) => {
      asked.push(token)
      if (token.startsWith('bad')) return undefined
      return { claims: { userId: token, sessionId: 's' }, expiresAt }
    },
    clock,
    limit,
  )
  return { clock, asked, expiresAt, verify }
}

describe('Verified tokens', () => {
  test('are verified once, and give the same claims after that', async () => {
    const { verify, asked } = create()
    expect(await verify('a')).toEqual({ userId: 'a', sessionId: 's' })
    expect(await verify('a')).toEqual({ userId: 'a', sessionId: 's' })
    expect(asked).toEqual(['a'])
  })

  test('expire at the second of their exp claim', async () => {
    const { verify, clock, expiresAt } = create()
    await verify('a')
    await clock.advance(expiresAt * SECOND - clock.now() - 1)
    expect(await verify('a')).toBeDefined()
    await clock.advance(1)
    expect(await verify('a')).toBeUndefined()
  })

  test('a refused token is verified again, and a token with one more letter is another token', async () => {
    const { verify, asked } = create()
    await verify('a')
    expect(await verify('bad')).toBeUndefined()
    expect(await verify('bad')).toBeUndefined()
    await verify('ab')
    expect(asked).toEqual(['a', 'bad', 'bad', 'ab'])
  })

  test('at most the limit is cached; the oldest is evicted', async () => {
    const { verify, asked } = create(2)
    for (const token of ['a', 'b', 'c', 'b', 'c', 'a']) await verify(token)
    expect(asked).toEqual(['a', 'b', 'c', 'a'])
  })
})
