import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { mkdir, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '#test/support/folder.ts'
import { makeMutant, mutants } from './mutants.ts'

for (const name of Object.keys(mutants)) {
  test(`the mutant ${name} still finds what it cuts out`, async () => {
    await using folder = await temporaryFolder()
    await makeMutant(name, join(folder.path, 'source'))
  }, 30_000)
}

test('a mutant nobody knows is refused with the names of those there are', async () => {
  await using folder = await temporaryFolder()
  await expect(makeMutant('no-gravity', folder.path)).rejects.toThrow(/no-fence, no-lane-index/)
})

test('a mutant carries no packages that the tests of the clients installed', async () => {
  await using folder = await temporaryFolder()
  const installed = 'docs/clients/typescript-eden/node_modules'
  const made = await mkdir(join(import.meta.dir, '../..', installed), { recursive: true })
  try {
    await makeMutant('no-fence', folder.path)
  } finally {
    if (made !== undefined) await rmdir(made)
  }
  expect(existsSync(folder.file('docs/clients/typescript-eden/main.ts'))).toBe(true)
  expect(existsSync(folder.file(installed))).toBe(false)
})
