import type { Database as Sqlite } from 'bun:sqlite'

/** `Plx1`, in the header of each of our files, so that another program's is told from ours. */
export const APPLICATION_ID = 0x50_6c_78_31

/** An empty database is nobody's yet, and counts as ours. */
export function isOurs(sqlite: Sqlite): boolean {
  const id = sqlite.query<{ application_id: number }, []>('PRAGMA application_id').get()
  if (id?.application_id === APPLICATION_ID) return true
  return !sqlite.query('SELECT 1 FROM sqlite_schema LIMIT 1').get()
}
