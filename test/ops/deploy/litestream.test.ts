import { expect, test } from 'bun:test'
import { existsSync, rmSync } from 'node:fs'
import { restoreBackup } from '#src/database/restore.ts'
import { createWorld } from '#test/e2e/world.ts'
import { createPerson, isGreen, missing, readyz, until } from '#test/ops/faults/chat.ts'
import { createS3 } from '#test/support/s3.ts'
import { fromSource } from '#test/support/server.ts'

const BUCKET = 'pollux-backup'
/** The version that compose.yaml runs, as its makers give it to npm; there is none for every machine. */
const litestream = (() => {
  try {
    return Bun.resolveSync(
      `@flydotio/litestream-${process.platform}-${process.arch}/litestream`,
      import.meta.resolve('@flydotio/litestream'),
    )
  } catch {
    console.log('SKIPPED litestream: there is none for this machine')
    return undefined
  }
})()

test.skipIf(!litestream)('the tested Litestream is the one of the compose file', async () => {
  const version = Bun.spawnSync([litestream ?? '', 'version'])
    .stdout.toString()
    .trim()
  expect(await Bun.file('compose.yaml').text()).toContain(
    `litestream/litestream:${version.replace('v', '')}\n`,
  )
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
      (keys) => keys.some((key) => key.startsWith(`${BUCKET}/pollux/generations/`)),
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
