import { expect, test } from 'bun:test'
import { existsSync, rmSync } from 'node:fs'
import { restoreBackup } from '#src/database/sqlite/restore.ts'
import { createWorld } from '#test/e2e/world.ts'
import { createPerson, isGreen, missing, readyz, until } from '#test/ops/faults/chat.ts'
import { createS3 } from '#test/support/s3.ts'
import { fromSource } from '#test/support/server.ts'

const BUCKET = 'pollux-backup'
const pinned =
  /litestream\/litestream:([\d.]+)$/m.exec(await Bun.file('compose.yaml').text())?.[1] ?? ''
/** The version that compose.yaml runs. No package registry of this project has it, so it has to be on the PATH. */
const litestream = (() => {
  const path = Bun.which('litestream')
  const version = path === null ? '' : Bun.spawnSync([path, 'version']).stdout.toString().trim()
  if (path !== null && version.replace(/^v/, '') === pinned) return path
  console.log(`SKIPPED litestream: it runs Litestream ${pinned}, which is not on the PATH`)
  return undefined
})()

/** What Litestream 0.5 reads of a configuration; it ignores any other key without a word. */
const KNOWN = {
  top: ['snapshot', 'dbs'],
  snapshot: ['interval', 'retention'],
  db: ['path', 'replica'],
  replica: 'type endpoint bucket path access-key-id secret-access-key sync-interval'.split(' '),
}

test('deploy/litestream.yml has the keys of Litestream 0.5 and keeps a week', async () => {
  const config = Bun.YAML.parse(await Bun.file('deploy/litestream.yml').text()) as {
    snapshot: { retention: string }
    dbs: { path: string; replica: Record<string, string> }[]
  }
  expect(Object.keys(config)).toEqual(KNOWN.top)
  expect(Object.keys(config.snapshot)).toEqual(KNOWN.snapshot)
  expect(config.snapshot.retention).toBe('168h')
  expect(config.dbs).toHaveLength(1)
  const [db] = config.dbs
  expect(Object.keys(db ?? {})).toEqual(KNOWN.db)
  expect(Object.keys(db?.replica ?? {})).toEqual(KNOWN.replica)
  const named = [...JSON.stringify(db?.replica).matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name)
  const example = await Bun.file('deploy/litestream.env.example').text()
  const given = [...example.matchAll(/^(\w+)=/gm)].map(([, name]) => name)
  expect(given.toSorted()).toEqual(named.toSorted())
})

test.skipIf(!litestream)(
  'deploy/litestream.yml ships each second’s prompts to the bucket, and a machine that died comes back from there',
  async () => {
    await using s3 = createS3()
    await using world = await createWorld({ command: fromSource })
    const path = world.file('data/pollux.db')
    const config = (await Bun.file('deploy/litestream.yml').text()).replace('/data/pollux.db', path)
    await Bun.write(world.file('litestream.yml'), config)
    const environment = {
      REPLICA_ENDPOINT: s3.url,
      REPLICA_BUCKET: BUCKET,
      REPLICA_KEY_ID: 'key-id',
      REPLICA_SECRET: 'secret',
    }
    const command = (verb: string, ...args: string[]) => [
      ...[litestream ?? '', verb, '-config', world.file('litestream.yml')],
      ...args,
    ]
    const server = await world.start()
    const person = await createPerson(world)
    expect(await person.prompt('before it replicates')).toBe(202)
    const replicate = () =>
      Bun.spawn(command('replicate'), {
        env: environment,
        stdio: ['ignore', Bun.file(world.file('litestream.log')), 'inherit'],
      })
    const replicating = replicate()
    await until(
      async () => s3.keys(),
      (keys) => keys.some((key) => key.startsWith(`${BUCKET}/pollux/`)),
    )
    expect(await person.prompt('while it replicates')).toBe(202)
    const copy = world.file('from-s3.db')
    const restore = async () => {
      rmSync(copy, { force: true })
      const { exited } = Bun.spawn(command('restore', '-o', copy, path), { env: environment })
      return (await exited) === 0 && existsSync(copy) ? missing(copy, person.acknowledged) : ['all']
    }
    await until(restore, (lost) => lost.length === 0)

    // The machine dies, and everything on it.
    await server.stop('SIGKILL')
    replicating.kill('SIGKILL')
    await replicating.exited
    for (const end of ['', '-wal', '-shm']) rmSync(`${path}${end}`, { force: true })
    expect(await restore()).toEqual([])
    restoreBackup(copy, path, Date.now())
    await world.start()
    await until(() => readyz(world), isGreen)
    expect((await person.read()).status).toBe(200)
    expect(await person.prompt('after')).toBe(202)
    expect(missing(path, person.acknowledged)).toEqual([])

    // What Litestream kept beside the lost database does not mislead it about the new one.
    const again = replicate()
    try {
      await until(restore, (lost) => lost.length === 0)
    } finally {
      again.kill('SIGKILL')
      await again.exited
    }
  },
  60_000,
)
