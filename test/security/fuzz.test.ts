import { expect, test } from 'bun:test'
import { fuzz } from '#test/support/fuzz.ts'

/** The same each time, so that a green run stays green; `bun run fuzz` looks further. */
const SEED = 20_261_122

test('no shot at any route is a fault of ours, leaks, or leaves the document', async () => {
  expect(await fuzz({ seed: SEED, shots: 600 })).toBeGreaterThanOrEqual(600)
}, 60_000)
