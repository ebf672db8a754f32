import { Database as Sqlite } from 'bun:sqlite'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { temporaryFolder } from './folder.ts'

export const NOW = Date.UTC(2026, 10, 22, 3, 15)

/** A database of ours with some rows, open as a server has it. */
export async function databaseInFolder(known?: Parameters<typeof migrate>[1]['known']) {
  const folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const database = openDatabase(path)
  migrate(database.sqlite, { now: NOW, ...(known && { known }) })
  const insert = (key: string) =>
    database.sqlite.run('INSERT INTO rate_limits VALUES (?, 1, 1)', [key])
  return { ...folder, path, database, insert }
}

export function keysOf(path: string): string[] {
  const sqlite = new Sqlite(path)
  const rows = sqlite.query<{ key: string }, []>('SELECT key FROM rate_limits ORDER BY key').all()
  sqlite.close()
  return rows.map(({ key }) => key)
}
