import { expect, test } from 'bun:test'
import { join } from 'node:path'

const folder = join(import.meta.dir, '../../docs/clients/typescript-openapi')

test('the client made from the OpenAPI document compiles against it', async () => {
  await bun('install', '--frozen-lockfile')
  await bun('--bun', 'run', 'generate')
  await bun('--bun', 'run', 'types')
}, 120_000)

test('and would not compile against another API', async () => {
  const types = join(folder, 'src/pollux.d.ts')
  const right = await Bun.file(types).text()
  try {
    await Bun.write(types, right.replaceAll('userPrompt: string', 'prompt: string'))
    await expect(bun('--bun', 'run', 'types')).rejects.toThrow('userPrompt')
  } finally {
    await Bun.write(types, right)
  }
}, 120_000)

async function bun(...args: string[]): Promise<void> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: folder,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const output = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ])
  if ((await child.exited) !== 0) throw new Error(output.join(''))
}
