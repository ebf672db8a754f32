import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { temporaryFolder } from '#test/support/folder.ts'

const root = join(import.meta.dir, '..')

async function build(folder: string, script = join(root, 'scripts/build.ts')): Promise<string> {
  const path = join(folder, 'built')
  const child = Bun.spawn([process.execPath, script, path], {
    cwd: root,
    // As on a machine where nobody set NODE_ENV.
    env: { PATH: process.env['PATH'] ?? '' },
    stdout: 'ignore',
    stderr: 'inherit',
  })
  expect(await child.exited).toBe(0)
  return path
}

test('The bundle of a package that asks for NODE_ENV is told production', async () => {
  await using folder = await temporaryFolder()
  await Bun.write(folder.file('asks.ts'), 'console.log(process.env.NODE_ENV)')
  const source = await Bun.file(join(root, 'scripts/build.ts')).text()
  await Bun.write(folder.file('build.ts'), source.replace('src/main.ts', folder.file('asks.ts')))
  const asked = Bun.spawn([await build(folder.path, folder.file('build.ts'))], {
    env: {},
    stdout: 'pipe',
  })
  expect(await new Response(asked.stdout).text()).toBe('production\n')
}, 30_000)

test('The binary is in production where nothing says otherwise, and reads no .env beside it', async () => {
  await using folder = await temporaryFolder()
  await Bun.write(folder.file('.env'), 'NODE_ENV=development\n')
  const child = Bun.spawn([await build(folder.path)], {
    cwd: folder.path,
    env: {},
    stdout: 'pipe',
    stderr: 'pipe',
  })
  expect(await child.exited).toBe(3)
  // Development has a default for it.
  expect(await new Response(child.stderr).text()).toContain('JWT_SECRET is missing')
}, 30_000)
