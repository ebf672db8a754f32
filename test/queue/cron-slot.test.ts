import { expect, test } from 'bun:test'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { MINUTE } from '#src/lib/time.ts'
import { claimSlot } from '#src/queue/cron-slot.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const NOON = Date.UTC(2026, 10, 22, 12)

test('of two processes one runs a task in a minute, and either may run it in the next', async () => {
  await using folder = await temporaryFolder()
  const [one, other] = [openDatabase(folder.file('a.db')), openDatabase(folder.file('a.db'))]
  migrate(one.sqlite, { now: 0 })
  const claim = (database: typeof one, now: number, task = 'tidy') =>
    database.run(claimSlot, { task, now })

  const claimed = [await claim(one, NOON), await claim(other, NOON + 900)]
  expect(claimed).toEqual([true, false])
  expect(await claim(other, NOON + 900, 'another task')).toBe(true)
  expect(await claim(other, NOON + MINUTE)).toBe(true)
  // A clock that was set back.
  expect(await claim(one, NOON)).toBe(false)
  one.close()
  other.close()
})
