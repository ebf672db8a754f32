import { join } from 'node:path'

/** Builds the program as it is shipped; gives the path of the file. */
export async function buildBinary(folder: string): Promise<string> {
  const path = join(folder, 'pollux')
  const root = `${import.meta.dir}/../..`
  const build = Bun.spawn([process.execPath, `${root}/scripts/build.ts`, path], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  if ((await build.exited) !== 0) throw new Error('The binary could not be built')
  return path
}
