import { expect, test } from 'bun:test'
import { cp, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder } from '#test/support/folder.ts'
import { installClient } from '#test/support/install-client.ts'

const docs = join(import.meta.dir, '../../docs')
const client = 'clients/typescript-openapi'

/** A copy to change, laid out as in docs/, as other tests read the client's own files at the same time. */
async function setUp() {
  const installed = await installClient('typescript-openapi')
  const folder = await temporaryFolder()
  const copy = folder.file(client)
  await cp(join(docs, 'openapi.json'), folder.file('openapi.json'))
  for (const part of ['src/main.ts', 'package.json', 'tsconfig.json']) {
    await cp(join(installed, part), join(copy, part))
  }
  await symlink(join(installed, 'node_modules'), join(copy, 'node_modules'))
  await run(copy, 'generate')
  return { ...folder, copy, types: join(copy, 'src/pollux.d.ts') }
}

test('the client made from the OpenAPI document compiles against it, and against no other', async () => {
  await using set = await setUp()
  await run(set.copy, 'types')
  const right = await Bun.file(set.types).text()
  await Bun.write(set.types, right.replaceAll('userPrompt: string', 'prompt: string'))
  await expect(run(set.copy, 'types')).rejects.toThrow('userPrompt')
}, 120_000)

async function run(folder: string, script: string): Promise<void> {
  const child = Bun.spawn([process.execPath, '--bun', 'run', script], {
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
