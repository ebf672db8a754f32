import { expect, test } from 'bun:test'

const page = await Bun.file('docs/traps.md').text()

/** Rows of the tables: everything but headings and rules. */
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('|') && !/^\| (trap|-)|^\|-/.test(line))

test('every trap names what holds it, and that is there', async () => {
  expect(rows.length).toBeGreaterThan(15)
  const missing: string[] = []
  for (const row of rows) {
    const held = row.split('|').at(-2)?.trim() ?? ''
    if (held === 'the same') continue
    const files = [...held.matchAll(/(?:test|src)\/[\w./-]+\.ts/g)].map(([file]) => file)
    const texts = await Promise.all(
      files.map((file) =>
        Bun.file(file)
          .text()
          .catch(() => ''),
      ),
    )
    // Dots stand for the rest of a name.
    const names = [...held.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '')
    const parts = names.flatMap((name) => name.split('…').map((part) => part.trim()))
    const found = parts.every((part) => texts.some((text) => text.includes(part)))
    if (files.length === 0 || texts.includes('') || !found) missing.push(held)
  }
  expect(missing).toEqual([])
})
