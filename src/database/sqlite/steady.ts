import { type SQLQueryBindings, Database as Sqlite } from 'bun:sqlite'

/** Quoted text and comments, which are left as they are, or a parameter with what stands before it. */
const TOKENS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|[$:@][A-Za-z_]\w*|\?\d*/g

/**
 * A connection whose statements keep their plan. SQLite compiles a statement anew at its next step when a
 * parameter that its planner looked at is bound again, which costs 10 to 50 times the run of a short
 * statement, at every run; the switch against it (SQLITE_DBCONFIG_ENABLE_QPSG) cannot be reached from Bun.
 * A parameter behind a unary plus, which changes no value, is not looked at.
 */
export class SteadySqlite extends Sqlite {
  override query<R, P extends SQLQueryBindings | SQLQueryBindings[]>(sql: string) {
    return super.query<R, P>(steady(sql))
  }

  override prepare<R, P extends SQLQueryBindings | SQLQueryBindings[]>(sql: string, params?: P) {
    return super.prepare<R, P>(steady(sql), params)
  }
}

/** The same statement with each parameter behind a plus. */
export function steady(sql: string): string {
  return sql.replaceAll(TOKENS, (token) => (/^[?$:@]/.test(token) ? `+${token}` : token))
}
