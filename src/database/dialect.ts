import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'

/** Whether `text` holds `part`, letter by letter; an empty part is held by every text. */
export function contains(text: SQLWrapper, part: SQLWrapper): SQL {
  return sql`instr(${text}, ${part}) > 0`
}
