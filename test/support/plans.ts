import { Database as Sqlite } from 'bun:sqlite'

/** Notes every statement prepared by whomever until `restore` is called. */
export function noteStatements() {
  const { prepare, query } = Sqlite.prototype
  const statements = new Set<string>()
  const noting = <F extends (this: Sqlite, sql: string, ...rest: never[]) => unknown>(
    original: F,
  ) =>
    function (this: Sqlite, sql: string, ...rest: never[]) {
      statements.add(sql)
      return original.call(this, sql, ...rest)
    }
  Object.assign(Sqlite.prototype, { prepare: noting(prepare), query: noting(query) })
  return { statements, restore: () => Object.assign(Sqlite.prototype, { prepare, query }) }
}

// Small whatever the database holds: its own tables, and an index of the running jobs told to stop.
const SMALL =
  /^SCAN (CONSTANT ROW|\w+ VIRTUAL TABLE|sqlite_schema|migrations\b|jobs USING INDEX jobs_stopping)/

/** The steps that read a whole table or a whole index. */
export function walksOf(sqlite: Sqlite, sql: string): string[] {
  if (!/^\s*(select|insert|update|delete|with)\b/i.test(sql)) return []
  const explain = sqlite.prepare<{ detail: string }, []>(
    `EXPLAIN QUERY PLAN ${sql.replaceAll(/[?$]\w*/g, 'NULL')}`,
  )
  const steps = explain.all()
  // SQLite takes the explanation of a write for a write in progress until it is finalized.
  explain.finalize()
  return steps
    .map(({ detail }) => detail)
    .filter((detail) => detail.startsWith('SCAN ') && !SMALL.test(detail))
    .map((detail) => `${detail}: ${sql.replaceAll(/\s+/g, ' ').slice(0, 200)}`)
}

/** How SQLite goes through a module's statement, step by step. */
export function planOf(
  sqlite: Sqlite,
  statement: { sqlite(): { text: string; slots: readonly unknown[] } },
): string[] {
  const { text, slots } = statement.sqlite()
  const explain = sqlite.prepare<{ detail: string }, null[]>(`EXPLAIN QUERY PLAN ${text}`)
  const steps = explain.all(...slots.map(() => null))
  explain.finalize()
  return steps.map(({ detail }) => detail)
}
