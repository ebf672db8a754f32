import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate } from '#src/database/sqlite/migrate.ts'
import { openDatabase } from '#src/database/sqlite/open.ts'
import { command } from '#src/database/steps.ts'
import { audit } from '#src/modules/audit/audit.ts'
import { spend } from '#src/modules/limits/commands.ts'
import { type Limit, limitKey } from '#src/modules/limits/limit.ts'

/** Commands in one group commit, as under load. */
const TOGETHER = 32
const ROUNDS = 400
const KEY = new Uint8Array(32)

/**
 * What one limit adds to a command that writes a row, in µs: through the writer, into a file, alternating with
 * the same command without it, so that the commit itself falls out. Medians of the rounds.
 */
export async function limitCost(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'pollux-limit-'))
  const database = openDatabase(join(folder, 'data.db'))
  migrate(database.sqlite, { now: 0 })
  let address = 0
  const once = async (isLimited: boolean): Promise<number> => {
    const startedAt = performance.now()
    await Promise.all(
      Array.from({ length: TOGETHER }, () => {
        // The digest of the key is a part of the price.
        const network = `203.0.113.${address++ % 250}`
        const limit = { name: 'auth', most: 1e9, windowMs: 60_000 }
        return database.run(write, {
          limits: isLimited ? [{ ...limit, key: limitKey(KEY, 'auth', network) }] : [],
          now: 1,
        })
      }),
    )
    return ((performance.now() - startedAt) * 1_000) / TOGETHER
  }
  const times = { with: [] as number[], without: [] as number[] }
  for (let round = 0; round < ROUNDS; round++) {
    times.without.push(await once(false))
    times.with.push(await once(true))
  }
  database.close()
  await rm(folder, { recursive: true })
  return median(times.with) - median(times.without)
}

const write = command(
  'flood.write',
  function* (tx, { limits, now }: { limits: Limit[]; now: number }) {
    if (limits.length > 0) yield* spend.steps(tx, { limits, now })
    yield* audit.steps(tx, { at: now, event: 'flood.write', userId: null, actor: 'system' })
  },
)

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
