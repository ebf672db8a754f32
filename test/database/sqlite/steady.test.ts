import { describe, expect, test } from 'bun:test'
import { steady } from '#src/database/sqlite/steady.ts'
import { createTestApp } from '#test/support/test-app.ts'

describe('Statements keep their plan', () => {
  test('every form of parameter stands behind a plus', () => {
    expect(steady('SELECT ? , ?1, $a, :b, @c WHERE x IN (?, ?)')).toBe(
      'SELECT +? , +?1, +$a, +:b, +@c WHERE x IN (+?, +?)',
    )
  })

  test('quoted text, quoted names and comments stay as they are', () => {
    const sql = `SELECT '$.a?', 'it''s ?', "odd ?" -- why?\n/* ?1 */ FROM t`
    expect(steady(sql)).toBe(sql)
  })

  test('a bound value keeps its type and its text', () => {
    const { database } = createTestApp()
    const row = database.sqlite
      .query(
        'SELECT typeof($a) AS a, typeof($b) AS b, typeof($c) AS c, typeof($d) AS d, $a AS text',
      )
      .get({ a: '007', b: 1, c: 1.5, d: null })
    expect(row).toEqual({ a: 'text', b: 'integer', c: 'real', d: 'null', text: '007' })
  })

  test('the statements of the connection and of Drizzle are so compiled', () => {
    const { database } = createTestApp()
    expect(database.sqlite.query('SELECT ?1').toString()).toContain('+')
    const { sql } = database.orm.query.users.findMany({ limit: 1 }).toSQL()
    expect(database.sqlite.prepare(sql).toString()).toContain('limit +')
  })
})
