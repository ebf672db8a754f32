import { join } from 'node:path'
import { temporaryFolder } from '#test/support/folder.ts'
import { describeProgram } from './suite.ts'

// Minification can change what Elysia infers, so the same suite runs against the file that is shipped.
describeProgram('The binary in an empty folder', async () => {
  const folder = await temporaryFolder()
  const path = folder.file('pollux')
  const root = join(import.meta.dir, '../..')
  const build = Bun.spawn([process.execPath, 'scripts/build.ts', path], {
    cwd: root,
    stdout: 'pipe',
    stderr: 'pipe',
  })
  if ((await build.exited) !== 0) throw new Error(await new Response(build.stderr).text())
  return { command: [path], remove: folder[Symbol.asyncDispose] }
})
