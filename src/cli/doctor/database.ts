import { Database as Sqlite } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import { explainFault } from '#src/database/fault.ts'
import { isOurs } from '#src/database/sqlite/identity.ts'
import { DatabaseFromTheFuture, pendingMigrations } from '#src/database/sqlite/migrate.ts'
import { readOnce } from '#src/database/sqlite/statements.ts'
import { quickCheck } from '#src/database/sqlite/verify.ts'
import { MINUTE } from '#src/lib/time.ts'
import { readWaiting } from '#src/queue/stats.ts'
import { readNewest } from '#src/queue/upkeep.ts'
import { error, type Finding, found, warning } from './finding.ts'

const STUCK_MS = 10 * MINUTE

/** What is in the file. It is read only, also beside a running server. */
export function databaseFindings(path: string, now: number): Finding[] {
  if (!existsSync(path)) return []
  let sqlite: Sqlite | undefined
  try {
    sqlite = new Sqlite(path, { readonly: true })
    if (!isOurs(sqlite)) {
      return [
        error(
          'foreign',
          `'${path}' is a database of another program.`,
          'Correct DATABASE_URL; nothing was changed.',
        ),
      ]
    }
    const pending = pendingMigrations(sqlite)
    if (pending.length > 0) {
      return [
        warning(
          'migrations',
          `Migrations are pending: ${pending.join(', ')}.`,
          'The next start applies them after a backup, or: pollux migrate',
        ),
      ]
    }
    return [...damage(sqlite, path), ...contents(sqlite, now)]
  } catch (fault) {
    if (fault instanceof DatabaseFromTheFuture) {
      return [
        error('future', fault.message, 'Run the newer Pollux, or restore a backup from before.'),
      ]
    }
    const isDamaged =
      fault instanceof Error && 'code' in fault && /CORRUPT|NOTADB/.test(String(fault.code))
    const told = explainFault(fault, path)
    return [
      isDamaged
        ? error('damage', told, 'Restore a backup: pollux restore <file>')
        : error('unreadable', told, 'Mend what it names.'),
    ]
  } finally {
    sqlite?.close()
  }
}

function damage(sqlite: Sqlite, path: string): Finding[] {
  const fault = quickCheck(sqlite)
  if (fault === undefined) return []
  return [
    error(
      'damage',
      `'${path}' is damaged: ${fault}.`,
      'Stop the server and restore a backup: pollux restore <file>',
    ),
  ]
}

function contents(sqlite: Sqlite, now: number): Finding[] {
  const stuck = readOnce(sqlite, readWaiting, { now }).filter(
    ({ oldestReadyMs }) => (oldestReadyMs ?? 0) > STUCK_MS,
  )
  const latest = readOnce(sqlite, readNewest, undefined)?.createdAt
  return found(
    stuck.length > 0 &&
      warning(
        'queue',
        `Jobs have been waiting for more than 10 minutes: ${stuck.map(({ kind }) => kind).join(', ')}.`,
        'Is the server running? See: pollux jobs list --state ready',
      ),
    latest !== undefined &&
      latest > now + MINUTE &&
      error(
        'clock',
        'The clock of this machine is behind: the database holds what was written later.',
        'Set the clock, and let NTP keep it (timedatectl set-ntp true).',
      ),
  )
}
