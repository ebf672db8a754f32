import type { Connection } from '#src/database/command.ts'
import type { Usage } from './model.ts'
import type { Place } from './store.ts'

/** A usage of today, and the row it comes from; that of another day is kept when this one is saved. */
export interface Loaded {
  usage: Usage
  stored: Usage | undefined
  /** Today's counts come from `quota_usage`: the account is new to its number, or the clock was set back. */
  isFromPast: boolean
}

type Day = Pick<Usage, 'used' | 'starts'>

const NONE: Omit<Usage, 'day'> = {
  used: 0,
  starts: 0,
  minuteAt: 0,
  minutePrompts: 0,
  pending: 0,
  storedBytes: 0,
}

/** Reads and writes a number's row. Written out, as both run at each prompt. */
export function prepareUsage({ sqlite }: Pick<Connection, 'sqlite'>) {
  const find = sqlite.query<Usage, [string]>(`
    SELECT day, used, starts, minute_at AS minuteAt, minute_prompts AS minutePrompts, pending, stored_bytes AS storedBytes
    FROM number_usage WHERE number_digest = ?1`)
  const findDay = sqlite.query<Day, [string, string]>(
    'SELECT used, starts FROM quota_usage WHERE number_digest = ?1 AND day = ?2',
  )
  const insert = sqlite.query<unknown, [Record<string, string | number>]>(`
    INSERT INTO number_usage (number_digest, day, used, starts, minute_at, minute_prompts, pending, stored_bytes)
    VALUES ($numberDigest, $day, $used, $starts, $minuteAt, $minutePrompts, $pending, $storedBytes)`)
  const update = sqlite.query<unknown, [Record<string, string | number>]>(`
    UPDATE number_usage SET day = $day, used = $used, starts = $starts, minute_at = $minuteAt,
      minute_prompts = $minutePrompts, pending = $pending, stored_bytes = $storedBytes
    WHERE number_digest = $numberDigest`)
  const keepDay = sqlite.query<unknown, [string, string, number, number, number]>(`
    INSERT INTO quota_usage (number_digest, day, used, starts, account_gone) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT DO UPDATE SET used = excluded.used, starts = excluded.starts, account_gone = excluded.account_gone`)
  const dropDay = sqlite.query<unknown, [string, string]>(
    'DELETE FROM quota_usage WHERE number_digest = ?1 AND day = ?2',
  )

  function load({ numberDigest, day }: Place): Loaded {
    const stored = find.get(numberDigest) ?? undefined
    if (stored?.day === day) return { usage: stored, stored, isFromPast: false }
    const past = findDay.get(numberDigest, day)
    const { used, starts } = past ?? NONE
    return { usage: { ...(stored ?? NONE), day, used, starts }, stored, isFromPast: past !== null }
  }

  function keep(numberDigest: string, { day, used, starts }: Usage, accountGone: boolean) {
    if (used > 0 || starts > 0) keepDay.run(numberDigest, day, used, starts, accountGone ? 1 : 0)
  }

  return {
    load,
    keepDay: keep,
    save(numberDigest: string, { stored, isFromPast }: Loaded, usage: Usage) {
      if (isFromPast) dropDay.run(numberDigest, usage.day)
      if (stored && stored.day !== usage.day) keep(numberDigest, stored, false)
      if (stored) update.run({ ...usage, numberDigest })
      else insert.run({ ...usage, numberDigest })
    },
  }
}
