import { expect, spyOn, test } from 'bun:test'
import { createTestApp } from '#test/support/test-app.ts'

const PATHS = ['/v1/user/me', '/v1/chatroom?limit=100', '/v1/search?q=a', '/v1/auth/sessions']

test.each(PATHS)('many requests of one user to %s leave turns to others', async (path) => {
  const { signIn, send } = createTestApp()
  const [{ token: attacker }, { token: other }] = [await signIn(), await signIn()]
  const answered: string[] = []
  const ask = async (who: string, token: string) => {
    const { status } = await send('GET', path, { token })
    answered.push(`${who} ${status}`)
  }
  // Each look at the time finds the tick a long one.
  let time = 0
  using _stopwatch = spyOn(performance, 'now').mockImplementation(() => {
    time += 3
    return time
  })
  // As if all had arrived at the same moment, the attacker's first.
  await Promise.all([
    ...Array.from({ length: 30 }, () => ask('attacker', attacker)),
    ask('other', other),
  ])
  expect(answered).toHaveLength(31)
  expect(answered.filter((answer) => answer === 'attacker 200')).toHaveLength(30)
  const place = answered.indexOf('other 200')
  expect(place).toBeGreaterThanOrEqual(0)
  expect(place).toBeLessThan(8)
})
