import { syncCommand } from '#src/database/command.ts'
import type { Database } from '#src/database/sqlite/open.ts'
import { MINUTE } from '#src/lib/time.ts'
import { IS_SOMEBODY, NUMBER_DIGEST } from '#src/plugins/somebody.ts'
import type { Bounds, Usage } from './model.ts'
import type { Place, QuotaStore, Settle, Start, Take, Took } from './store.ts'
import { prepareUsage } from './usage.ts'

export function createQuotaStore(database: Database): QuotaStore {
  const { load } = prepareUsage(database)
  return {
    read: (place) => load(place).usage,
    owner,
    take,
    start,
    settle,
    store,
    leave,
    prune: (input) => database.execute(prune, input),
  }
}

const owner = syncCommand('quota.owner', ({ sqlite }) => {
  const find = sqlite.query<{ numberDigest: string; phone: string }, [string]>(
    `SELECT ${NUMBER_DIGEST} AS numberDigest, phone FROM users WHERE id = ?1 AND ${IS_SOMEBODY}`,
  )
  return (_tx, { userId }: { userId: string }) => find.get(userId) ?? undefined
})

// Parallel prompts cannot slip past a bound: commands run one after another, behind SQLite's write lock.
const take = syncCommand('quota.take', (connection) => {
  const usages = prepareUsage(connection)
  return (_tx, { bounds, bytes, now, ...place }: Take): Took => {
    const loaded = usages.load(place)
    const { usage } = loaded
    const minute = minuteOf(usage, now)
    const exceeded = exceededBound(bounds, { ...usage, ...minute }, bytes)
    if (exceeded) return { usage: { ...usage, ...minute }, exceeded }
    const next = {
      day: usage.day,
      used: usage.used + (bounds.prompts === null ? 0 : 1),
      starts: usage.starts + 1,
      minuteAt: minute.minuteAt,
      minutePrompts: minute.minutePrompts + 1,
      pending: usage.pending + 1,
      storedBytes: usage.storedBytes + bytes,
    }
    usages.save(place.numberDigest, loaded, next)
    return { usage: next }
  }
})

/** A minute that begins after now was written by a clock that has since been set back. */
function minuteOf({ minuteAt, minutePrompts }: Usage, now: number) {
  if (minuteAt <= now && now < minuteAt + MINUTE) return { minuteAt, minutePrompts }
  return { minuteAt: now, minutePrompts: 0 }
}

/** The longest wait first. */
function exceededBound(bounds: Bounds, usage: Usage, bytes: number): keyof Bounds | undefined {
  if (bounds.prompts !== null && usage.used >= bounds.prompts) return 'prompts'
  if (usage.starts >= bounds.starts) return 'starts'
  if (usage.storedBytes + bytes > bounds.storedBytes) return 'storedBytes'
  if (usage.minutePrompts >= bounds.promptsPerMinute) return 'promptsPerMinute'
  if (usage.pending >= bounds.pending) return 'pending'
  return undefined
}

const start = syncCommand('quota.start', (connection) => {
  const usages = prepareUsage(connection)
  return (_tx, { bounds, leavesPrompts, ...place }: Start): boolean => {
    const loaded = usages.load(place)
    const { usage } = loaded
    const left = leavesPrompts ? Math.max(0, (bounds.prompts ?? 0) - usage.used) : 0
    if (usage.starts + left >= bounds.starts) return false
    usages.save(place.numberDigest, loaded, { ...usage, starts: usage.starts + 1 })
    return true
  }
})

const settle = syncCommand('quota.settle', ({ sqlite }) => {
  const settle = sqlite.query<unknown, [string, number]>(`
    UPDATE number_usage SET pending = max(0, pending - 1), stored_bytes = stored_bytes + ?2 WHERE number_digest = ?1`)
  const refund = sqlite.query<unknown, [string, string]>(
    'UPDATE number_usage SET used = max(0, used - 1) WHERE number_digest = ?1 AND day = ?2',
  )
  const refundPast = sqlite.query<unknown, [string, string]>(
    'UPDATE quota_usage SET used = max(0, used - 1) WHERE number_digest = ?1 AND day = ?2',
  )
  return (_tx, { numberDigest, bytes, refundTo }: Settle): void => {
    settle.run(numberDigest, bytes)
    if (refundTo === null) return
    if (refund.run(numberDigest, refundTo).changes === 0) refundPast.run(numberDigest, refundTo)
  }
})

const store = syncCommand('quota.store', (connection) => {
  const usages = prepareUsage(connection)
  return (_tx, { bytes, most, ...place }: Place & { bytes: number; most: number }): boolean => {
    const loaded = usages.load(place)
    const { usage } = loaded
    const storedBytes = usage.storedBytes + bytes
    if (bytes > 0 && storedBytes > most) return false
    usages.save(place.numberDigest, loaded, { ...usage, storedBytes: Math.max(0, storedBytes) })
    return true
  }
})

const leave = syncCommand('quota.leave', (connection) => {
  const usages = prepareUsage(connection)
  const drop = connection.sqlite.query<unknown, [string]>(
    'DELETE FROM number_usage WHERE number_digest = ?1',
  )
  const dropDays = connection.sqlite.query<unknown, [string]>(
    'DELETE FROM quota_usage WHERE number_digest = ?1',
  )
  return (_tx, { keptAs, ...place }: Place & { keptAs: string }): void => {
    const { usage } = usages.load(place)
    drop.run(place.numberDigest)
    dropDays.run(place.numberDigest)
    usages.keepDay(keptAs, usage, true)
  }
})

const prune = syncCommand('quota.prune', ({ sqlite }) => {
  // Each uses an index: quota_usage_by_day, quota_usage_of_gone.
  const removeOld = sqlite.query<unknown, [string]>('DELETE FROM quota_usage WHERE day < ?1')
  const removeOfGone = sqlite.query<unknown, [string]>(
    'DELETE FROM quota_usage WHERE account_gone = 1 AND day < ?1',
  )
  return (_tx, { before, today }: { before: string; today: string }): number =>
    removeOld.run(before).changes + removeOfGone.run(today).changes
})
