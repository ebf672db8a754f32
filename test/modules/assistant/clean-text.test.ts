import { expect, test } from 'bun:test'
import * as fc from 'fast-check'
import { createTextCleaner, firstBytes } from '#src/modules/assistant/clean-text.ts'

/** Text of any code units, with many halves of characters. */
const anyText = fc
  .array(fc.constantFrom('a', '\0', '\ud83e', '\ude90', '🪐', 'ß', '\u2028', '\ufffd'))
  .map((units) => units.join(''))

test('wherever a text is cut, its pieces are well-formed and make up the same text', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyText, { maxLength: 8 }), async (pieces) => {
      const cleaner = createTextCleaner()
      const published = [...pieces.map((piece) => cleaner.push(piece)), cleaner.end()]
      for (const piece of published) {
        expect(piece.isWellFormed()).toBe(true)
        expect(JSON.parse(JSON.stringify(piece))).toBe(piece)
      }
      expect(published.join('')).toBe(pieces.join('').replaceAll('\0', '').toWellFormed())
    }),
  )
})

test('the first bytes of a text are whole characters', async () => {
  await fc.assert(
    fc.asyncProperty(anyText, fc.nat(40), async (given, bytes) => {
      const text = given.toWellFormed()
      const first = firstBytes(text, bytes)
      expect(text).toStartWith(first)
      expect(Buffer.byteLength(first)).toBeLessThanOrEqual(bytes)
      const next = [...text.slice(first.length)][0] ?? ''
      if (next !== '') expect(Buffer.byteLength(first + next)).toBeGreaterThan(bytes)
    }),
  )
})
