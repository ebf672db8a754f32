import { expect, test } from 'bun:test'
import { DAY } from '#src/lib/time.ts'
import { createHashGate } from '#src/modules/auth/hash-gate.ts'
import { createPasswords } from '#src/modules/auth/passwords.ts'
import { createProof } from '#src/modules/auth/proof.ts'
import { createTestApp } from '#test/support/test-app.ts'

test('a guess whose hash is displaced from the full hash gate is not counted', async () => {
  const { database, random, clock } = createTestApp()
  const gate = createHashGate({ running: 1, waiting: 2 })
  const passwords = createPasswords({ memoryKib: 8, passes: 1 }, gate, random.bytes)
  const prove = createProof({ database, passwords, clock })
  const held = Promise.withResolvers<void>()
  const hold = (network: string) => gate.run({ network, isProven: true }, () => held.promise)
  const network = '203.0.113.7'
  const holding = [hold(network), hold(network)]
  const limit = { name: 'wrong-passwords', key: 'wrong-passwords:x', most: 20, windowMs: DAY }
  const guess = { password: 'a guess', hash: null, userId: 'u', wrong: limit, limits: [] }
  const origin = { ip: network, network, networks: [{ name: network, share: 1 }] }
  const proof = prove(guess, { ...origin, device: null, requestId: 'r' })
  const count = () =>
    database.sqlite.query<{ count: number }, []>('SELECT count FROM rate_limits').get()?.count
  while (count() !== 1) await new Promise<void>((resolve) => setImmediate(resolve))
  // Once it waits, the gate is full, and another network takes the place.
  while (!isFull(() => gate.refuseWhenFull({ network, isProven: true }))) {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  holding.push(hold('198.51.100.1'))
  await expect(proof).rejects.toMatchObject({ status: 503, slug: 'busy' })
  expect(count()).toBe(0)
  held.resolve()
  await Promise.all(holding)
  const audit = database.sqlite.query("SELECT 1 FROM audit_log WHERE event = 'password.refused'")
  expect(audit.all()).toEqual([])
})

function isFull(refuse: () => void): boolean {
  try {
    refuse()
    return false
  } catch {
    return true
  }
}
