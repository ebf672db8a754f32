import { expect, test } from 'bun:test'
import { asc, eq, gt, sql } from 'drizzle-orm'
import { messages, quotaUsage, users } from '#drizzle/schema.ts'
import { compile, named } from '#src/database/compile.ts'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'

test('a compiled select gives the rows that Drizzle gives', () => {
  const database = openDatabase(':memory:')
  migrate(database.sqlite, { now: 0 })
  const { orm, sqlite } = database
  for (const [at, name] of ['Ada', null, 'Grace'].entries()) {
    const stamps = { createdAt: at, updatedAt: at }
    orm
      .insert(users)
      .values({ id: `u${at}`, phone: `+1${at}`, name, ...stamps })
      .run()
  }
  const columns = named({ id: users.id, name: users.name, createdAt: users.createdAt })
  const query = orm
    .select({ ...columns, twice: sql<number>`${users.createdAt} * 2`.as('twice') })
    .from(users)
    .where(gt(users.createdAt, sql.placeholder('after')))
    .orderBy(asc(users.createdAt))
    .limit(sql.placeholder('limit'))
  const compiled = compile(sqlite, () => query)
  for (const values of [
    { after: -1, limit: 10 },
    { after: 0, limit: 1 },
    { after: 5, limit: 10 },
  ]) {
    expect(compiled.all(values)).toEqual(query.prepare().all(values))
    expect(compiled.get(values)).toEqual(query.prepare().get(values))
  }
  expect(compiled.all({ after: 0, limit: 1 })).toEqual([
    { id: 'u1', name: null, createdAt: 1, twice: 2 },
  ])
  database.close()
})

test('fixed values of a select are bound with the others, each in its place', () => {
  const database = openDatabase(':memory:')
  migrate(database.sqlite, { now: 0 })
  const { orm, sqlite } = database
  const query = orm
    .select({ ...named({ used: quotaUsage.used }), fixed: sql<string>`${'fixed'}`.as('fixed') })
    .from(quotaUsage)
    .where(eq(quotaUsage.day, sql.placeholder('day')))
  orm.insert(users).values({ id: 'u', phone: '+1', createdAt: 0, updatedAt: 0 }).run()
  orm.insert(quotaUsage).values({ numberDigest: 'u', day: 'today', used: 3, starts: 3 }).run()
  expect(compile(sqlite, () => query).get({ day: 'today' })).toEqual({ used: 3, fixed: 'fixed' })
  expect(compile(sqlite, () => query).get({ day: 'tomorrow' })).toBeUndefined()
  database.close()
})

test('a value that is missing is said, not bound as null', () => {
  const database = openDatabase(':memory:')
  migrate(database.sqlite, { now: 0 })
  const query = database.orm
    .select(named({ id: messages.id }))
    .from(messages)
    .where(eq(messages.id, sql.placeholder('id')))
  expect(() => compile(database.sqlite, () => query).get({ key: 1 })).toThrow("'id'")
  database.close()
})

test('a select is built when it is first asked, and once', () => {
  const database = openDatabase(':memory:')
  migrate(database.sqlite, { now: 0 })
  let built = 0
  const compiled = compile(database.sqlite, () => {
    built += 1
    return database.orm.select(named({ id: users.id })).from(users)
  })
  expect(built).toBe(0)
  expect([compiled.get({}), compiled.all({})]).toEqual([undefined, []])
  expect(built).toBe(1)
  database.close()
})
