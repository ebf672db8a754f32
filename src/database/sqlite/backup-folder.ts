import { readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'

const NIGHTLY = /^pollux-\d{8}T\d{6}Z\.db$/
const BEFORE_UPGRADE = /^pollux-before-.+-(\d{8}T\d{6}Z)\.db$/
const PARTIAL = /^pollux-.+\.db\.partial(-wal|-shm|-journal)?$/

/** `pollux-20261122T031500Z.db`: names that sort as their instants do. */
export function nightlyName(now: number): string {
  return `pollux-${stamp(now)}.db`
}

export function beforeUpgradeName(migration: string, now: number): string {
  return `pollux-before-${migration}-${stamp(now)}.db`
}

/** When the latest nightly backup was written, in milliseconds; undefined where there is none. */
export function latestNightly(folder: string): number | undefined {
  const times = readdirSync(folder)
    .filter((name) => NIGHTLY.test(name))
    .map((name) => statSync(join(folder, name)).mtimeMs)
  return times.length > 0 ? Math.max(...times) : undefined
}

/**
 * Removes all but the latest `keep` nightly backups, the pre-upgrade ones older than the oldest kept, and
 * what a killed backup left. Other files are not touched. Gives the names removed.
 */
export function pruneBackups(folder: string, keep: number): string[] {
  const names = readdirSync(folder).sort()
  const nightly = names.filter((name) => NIGHTLY.test(name))
  const kept = nightly.slice(-keep)
  const oldest = kept[0]
  const gone = names.filter((name) => {
    if (PARTIAL.test(name)) return true
    if (NIGHTLY.test(name)) return !kept.includes(name)
    const at = BEFORE_UPGRADE.exec(name)?.[1]
    return (
      at !== undefined &&
      oldest !== undefined &&
      nightly.length >= keep &&
      `pollux-${at}.db` < oldest
    )
  })
  for (const name of gone) rmSync(join(folder, name), { force: true })
  return gone
}

export function stamp(now: number): string {
  return new Date(now).toISOString().replaceAll(/[-:]|\.\d+/g, '')
}
