// Written by scripts/generate-migration.ts: the SQL is embedded, a single binary has no files beside it.
import sql0 from './0000_initial.sql' with { type: 'text' }

export const migrations = [
  { name: '0000_initial', sql: sql0 },
]
