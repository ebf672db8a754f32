import { expect, test } from 'bun:test'
import { parseConfig } from '#src/config/config.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { startWriterThread } from '#src/writer-port.ts'
import { temporaryFolder } from './support/folder.ts'

const root = `${import.meta.dir}/..`

/** The command line runs these itself, in a process of its own. */
const OF_THE_COMMAND_LINE = ['users.set-tier', 'users.revoke-sessions']

/** Of every command in the source: the text after `command(`, or `Command<…> = command(`. */
async function namesInSource(): Promise<string[]> {
  const files = new Bun.Glob('src/**/*.ts').scanSync({ cwd: root, absolute: true })
  const texts = await Promise.all(
    [...files].filter((file) => !file.includes('/src/cli/')).map((file) => Bun.file(file).text()),
  )
  return texts.flatMap((text) =>
    [...text.matchAll(/\bcommand\(\s*'([^']+)'/g)].map(([, name]) => name ?? ''),
  )
}

test('the thread knows every command that a server may give it', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('data.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: 0 })
  const { config } = parseConfig({ NODE_ENV: 'test', DATABASE_URL: path })
  const { port, ready } = startWriterThread(config)
  database.moveWriter(port)
  await ready
  const names = await namesInSource()
  expect(names.length).toBeGreaterThan(50)
  const steps = () => {
    throw new Error('run here')
  }
  const ask = async (name: string) => {
    // What it then does with no input does not matter: nobody else uses this file.
    const [result] = await Promise.allSettled([database.run({ name, steps }, undefined)])
    return result.status === 'rejected' ? String(result.reason.message) : ''
  }
  const answers = await Promise.all(names.map(async (name) => [name, await ask(name)] as const))
  const unknown = answers.filter(([, said]) => /No command is named|run here/.test(said))
  expect(unknown.map(([name]) => name).sort()).toEqual(OF_THE_COMMAND_LINE.sort())
  expect(await ask('test.unheard-of')).toBe("No command is named 'test.unheard-of' here")
  await database.bringWriterBack()
  database.close()
})
