import { expect, test } from 'bun:test'
import { createSealer } from '#src/lib/seal.ts'

const [NEW, OLD] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
const SECRET = '123456 é'

function setUp() {
  let made = 0
  const nonce = (length: number) => new Uint8Array(length).fill(++made)
  return { sealer: createSealer([NEW, OLD], nonce), older: createSealer([OLD], nonce) }
}

test('opens what it sealed for the same purpose and for no other', () => {
  const { sealer } = setUp()
  const sealed = sealer.seal(SECRET, 'challenge 1')
  expect(sealer.open(sealed, 'challenge 1')).toBe(SECRET)
  expect(sealer.open(sealed, 'challenge 2')).toBeUndefined()
  expect(sealer.open(sealed, '')).toBeUndefined()
})

test('seals with the first key and opens with each', () => {
  const { sealer, older } = setUp()
  expect(sealer.open(older.seal(SECRET, 'x'), 'x')).toBe(SECRET)
  expect(older.open(sealer.seal(SECRET, 'x'), 'x')).toBeUndefined()
})

test('uses a nonce of 12 bytes and a tag of 16, and never the same nonce', () => {
  const { sealer } = setUp()
  const [one, two] = [sealer.seal('', 'x'), sealer.seal('', 'x')]
  expect(Buffer.from(one, 'base64url')).toHaveLength(28)
  expect(Buffer.from(one, 'base64url').subarray(0, 12)).toEqual(Buffer.alloc(12, 1))
  expect(two).not.toBe(one)
})

test('opens nothing that was changed in any byte, cut short or made up', () => {
  const { sealer } = setUp()
  const raw = Buffer.from(sealer.seal(SECRET, 'x'), 'base64url')
  for (let at = 0; at < raw.length; at++) {
    const changed = Buffer.from(raw)
    changed[at] = (raw[at] ?? 0) ^ 1
    expect(sealer.open(changed.toString('base64url'), 'x')).toBeUndefined()
    expect(sealer.open(raw.subarray(0, at).toString('base64url'), 'x')).toBeUndefined()
  }
  expect(sealer.open('', 'x')).toBeUndefined()
})
