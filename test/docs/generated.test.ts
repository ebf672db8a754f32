import { expect, test } from 'bun:test'
import { generateDocs } from '../../scripts/docs.ts'

const generated = await generateDocs()

test.each(Object.keys(generated))('%s is what the routes say now', async (file) => {
  // If this fails: `bun run docs:generate`, and look at what changed.
  expect(await Bun.file(file).text()).toBe(generated[file] ?? '')
})
