import { type SQL, type SQLWrapper, sql } from 'drizzle-orm'

/** Whether `text` holds `part`, letter by letter; an empty part is held by every text. */
export function contains(text: SQLWrapper, part: SQLWrapper): SQL {
  return sql`instr(${text}, ${part}) > 0`
}

/**
 * The column that decides after those of an index, so that reading in the order of the index needs no sort: SQLite's
 * indexes end with the row id. On PostgreSQL it is the primary key.
 */
export function rowOrder(table: SQLWrapper): SQL {
  return sql`${table}.rowid`
}

/** The smaller of two values that are not null; `min()` of two is `least()` on PostgreSQL. */
export function smaller(one: SQLWrapper, other: SQLWrapper): SQL {
  return sql`CASE WHEN ${one} < ${other} THEN ${one} ELSE ${other} END`
}

/** The greater of two values that are not null, each evaluated once; `greatest()` on PostgreSQL. */
export function greatest(one: SQLWrapper, other: SQLWrapper): SQL {
  return sql`max(${one}, ${other})`
}
