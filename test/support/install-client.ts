import { Database as Sqlite } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const clients = join(import.meta.dir, '../../docs/clients')
const LOCK_WAIT_MS = 60_000

/**
 * Installs a client of docs/clients as its lock file says; gives its folder. It is a package of its own, as
 * it would be at somebody's. One process at a time: two that install into one folder tear each other's files.
 */
export async function installClient(name: string): Promise<string> {
  const folder = join(clients, name)
  if (!existsSync(join(folder, 'package.json'))) return folder
  // A lock of SQLite goes with the process that holds it, also where that is killed.
  const lock = new Sqlite(join(tmpdir(), `pollux-install-${Bun.hash(folder).toString(36)}.lock`))
  try {
    lock.run(`PRAGMA busy_timeout = ${LOCK_WAIT_MS}`)
    lock.run('BEGIN EXCLUSIVE')
    const child = Bun.spawn([process.execPath, 'install', '--frozen-lockfile'], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const [errors, code] = await Promise.all([new Response(child.stderr).text(), child.exited])
    if (code !== 0) throw new Error(`bun install failed in ${folder}:\n${errors}`)
  } finally {
    lock.close()
  }
  return folder
}
