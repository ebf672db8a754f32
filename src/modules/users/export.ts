import type { Database } from '#src/database/sqlite/open.ts'
import type { Statement } from '#src/database/statement.ts'
import { type Query, query } from '#src/database/steps.ts'
import { type Rows, takeRows } from '#src/lib/page.ts'
import {
  type ExportRow,
  exportAudit,
  exportCheckouts,
  exportCustomers,
  exportMessages,
  exportQuota,
  exportRooms,
  exportSessions,
  exportSubscriptions,
  exportUser,
  type Place,
} from './export-statements.ts'

/** Rows read and sent at a time, fewer where their texts are long: this bounds the memory of an export and each of its steps. */
const PAGE = 50
/** Messages read at a time: each may be long. */
const MESSAGES = 10
/** A page of messages that is this full takes no further one. */
const PAGE_CHARACTERS = 64 * 1024

/** One line of an export; `type` says what it is. */
export type Entry = { type: string } & Record<string, string | number | boolean | null>

/** The rows of a table that belong to one owner. */
interface Part {
  type: string
  /** A place before all rows. */
  start: Place
  getPage: Query<{ owner: string; after: Place }, Rows<ExportRow>>
}

const BEFORE_TEXT: Place = { major: 0, minor: '' }
const BEFORE_INSTANT: Place = { major: -1, minor: 0 }

/**
 * What is held on a user, in the order of the export; messages follow their rooms, and what is held on a customer at
 * Stripe follows the customer. Digests of secrets are left out.
 */
const parts: readonly Part[] = [
  createPart('user', exportUser, BEFORE_TEXT),
  createPart('session', exportSessions, BEFORE_INSTANT),
  createPart('chatroom', exportRooms, { major: -1, minor: '' }),
  createPart('quota', exportQuota, BEFORE_TEXT),
  createPart('customer', exportCustomers, BEFORE_TEXT),
  createPart('audit', exportAudit, BEFORE_INSTANT),
]

const partsOfCustomer: readonly Part[] = [
  createPart('subscription', exportSubscriptions, { major: '', minor: 0 }),
  createPart('checkout', exportCheckouts, BEFORE_INSTANT),
]

function createPart(
  type: string,
  page: Statement<Place & { owner: string; limit: number }, ExportRow>,
  start: Place,
): Part {
  const getPage: Part['getPage'] = query(`users.export-${type}`, function* (tx, { owner, after }) {
    const found = yield* tx.all(page, { ...after, owner, limit: PAGE + 1 })
    return takeRows(found, PAGE, textsOf)
  })
  return { type, start, getPage }
}

const getMessages = query(
  'users.export-messages',
  function* (tx, input: { roomId: string; after: number; limit: number }) {
    return yield* tx.all(exportMessages, input)
  },
)

/** Reads everything that is held on a user, a page at a time; between two pages others may write. */
export async function* everything(database: Database, userId: string): AsyncGenerator<Entry[]> {
  for (const part of parts) {
    for await (const rows of pages(database, part, userId)) {
      yield toEntries(part, rows)
      // One by one: a query over all of them would walk a room from its start for each page.
      const ids = rows.map(({ id }) => String(id))
      if (part.type === 'chatroom') yield* messagesOf(database, ids)
      if (part.type === 'customer') yield* billingOf(database, ids)
    }
  }
}

async function* billingOf(database: Database, customerIds: string[]): AsyncGenerator<Entry[]> {
  for (const id of customerIds) {
    for (const part of partsOfCustomer) {
      for await (const rows of pages(database, part, id)) yield toEntries(part, rows)
    }
  }
}

function toEntries({ type }: Part, rows: ExportRow[]): Entry[] {
  return rows.map(({ major: _major, minor: _minor, ...row }) => ({ type, ...row }))
}

async function* pages(database: Database, part: Part, owner: string): AsyncGenerator<ExportRow[]> {
  let after = part.start
  for (;;) {
    const { rows, hasMore } = await database.read(part.getPage, { owner, after })
    const last = rows.at(-1)
    if (!last) return
    yield rows
    if (!hasMore) return
    after = { major: last.major, minor: last.minor }
  }
}

/** In pages as full as can be, so that a thousand rooms of a few messages are not a thousand pages. */
async function* messagesOf(database: Database, roomIds: string[]): AsyncGenerator<Entry[]> {
  let entries: Entry[] = []
  let characters = 0
  for (const roomId of roomIds) {
    let after = 0
    for (;;) {
      const rows = await database.read(getMessages, { roomId, after, limit: MESSAGES })
      for (const { position: _position, ...row } of rows) {
        entries.push({ type: 'message', ...row })
        characters += String(row['content']).length
        if (entries.length < PAGE && characters < PAGE_CHARACTERS) continue
        yield entries
        entries = []
        characters = 0
      }
      const last = rows.at(-1)
      if (!last || rows.length < MESSAGES) break
      after = last.position
    }
  }
  if (entries.length > 0) yield entries
}

function textsOf(row: ExportRow): string[] {
  return Object.values(row).filter((value) => typeof value === 'string')
}
