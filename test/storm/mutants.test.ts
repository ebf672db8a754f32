import { expect, test } from 'bun:test'
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
