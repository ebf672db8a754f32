import { join } from 'node:path'
import { temporaryFolder } from '#test/support/folder.ts'
import { testNightly } from './nightly.ts'
import { describeProgram } from './suite.ts'
import type { Launch } from './world.ts'

// Minification can change what Elysia infers, so the same suite runs against the file that is shipped; its
// commits are made by a thread of their own, those of the suite from source by the main thread.
describeProgram('The binary in an empty folder', build, testNightly)

async function build(): Promise<Launch> {
  const folder = await temporaryFolder()
  const path = folder.file('pollux')
  const root = join(import.meta.dir, '../..')
  const child = Bun.spawn([process.execPath, 'scripts/build.ts', path], {
    cwd: root,
    stdout: 'pipe',
    stderr: 'pipe',
  })
  if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text())
  return {
    command: [path],
    environment: { WRITER_THREAD: 'always' },
    remove: folder[Symbol.asyncDispose],
  }
}
