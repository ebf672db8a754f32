import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Config, Environment } from '#src/config/config.ts'
import { latestNightly } from '#src/database/sqlite/backup-folder.ts'
import { freeBytesBeside, walBytes } from '#src/database/sqlite/disk.ts'
import { DAY, HOUR } from '#src/lib/time.ts'
import { error, type Finding, found, warning } from './finding.ts'

const GIB = 1024 ** 3
const LEAST_FREE_BYTES = 1 * GIB
const STALE_BACKUP_MS = DAY + 12 * HOUR
/** Where SQLite's locks and shared memory do not work, or nothing survives: statfs(2). */
const UNFIT: Record<number, string> = {
  26985: 'NFS',
  4283649346: 'CIFS',
  4266872130: 'SMB',
  16914836: 'tmpfs, which forgets everything at a restart',
}

/** The folder of the database, and who may read what is in it. */
export function diskFindings(config: Config): Finding[] {
  const folder = dirname(resolve(config.databasePath))
  if (!existsSync(folder)) {
    return found(
      !creatable(folder) &&
        error(
          'folder',
          `The folder '${folder}' does not exist and cannot be made.`,
          `mkdir -p ${folder}, owned by the server's user.`,
        ),
    )
  }
  const unfit = UNFIT[statfsSync(folder).type]
  const free = freeBytesBeside(config.databasePath)
  const size = existsSync(config.databasePath) ? statSync(config.databasePath).size : 0
  const log = walBytes(config.databasePath)
  const mode = size > 0 ? statSync(config.databasePath).mode : 0
  return found(
    !writable(folder) &&
      error('folder', `'${folder}' cannot be written to.`, `chown it to the server's user.`),
    size > 0 &&
      !writable(config.databasePath) &&
      error(
        'read-only',
        `'${config.databasePath}' cannot be written to.`,
        'Check its owner and mode.',
      ),
    ownerFinding(config.databasePath, folder),
    (mode & 0o007) > 0 &&
      warning(
        'file-mode',
        `Everybody on this machine can read '${config.databasePath}'.`,
        `chmod 600 ${config.databasePath}*, and chmod 700 ${folder}`,
      ),
    unfit !== undefined &&
      error('file-system', `'${folder}' is on ${unfit}.`, 'Put the database on a local disk.'),
    free < Math.max(LEAST_FREE_BYTES, size) &&
      warning(
        'disk-space',
        `${Math.floor(free / 1024 ** 2)} MiB are free beside the database.`,
        'Make room for at least 1 GiB and one copy of the database: backups and upgrades need it.',
      ),
    log > GIB &&
      warning(
        'log-size',
        `The write-ahead log has ${(log / GIB).toFixed(1)} GiB: something reads the database without end.`,
        'Look for a long backup or a forgotten sqlite3 shell; a restart of the server empties the log.',
      ),
  )
}

export function backupFindings(config: Config, now: number): Finding[] {
  const { backupDir, databasePath } = config
  if (backupDir === undefined) {
    return [
      warning(
        'backup',
        'There is no nightly backup.',
        'Set BACKUP_DIR, on another disk; see docs/operations.md.',
      ),
    ]
  }
  // The first backup makes it.
  if (!existsSync(backupDir) && creatable(backupDir)) return []
  if (!existsSync(backupDir) || !writable(backupDir)) {
    return [
      error(
        'backup',
        `BACKUP_DIR '${backupDir}' cannot be made or written to.`,
        'Make it, owned by the server’s user.',
      ),
    ]
  }
  const latest = latestNightly(backupDir)
  const folder = dirname(resolve(databasePath))
  const oldDatabase =
    existsSync(databasePath) && now - statSync(databasePath).birthtimeMs > STALE_BACKUP_MS
  return found(
    ownerFinding(backupDir, folder),
    existsSync(folder) &&
      statSync(backupDir).dev === statSync(folder).dev &&
      warning(
        'backup-disk',
        'BACKUP_DIR is on the same disk as the database: one fault takes both.',
        'Use another disk, or ship the log elsewhere with Litestream; see deploy/litestream.yml.',
      ),
    (latest === undefined ? oldDatabase : now - latest > STALE_BACKUP_MS) &&
      error(
        'backup-age',
        'The latest nightly backup is older than 36 hours, or there is none.',
        'Look for "maintenance failed" in the log; make one by hand: pollux backup <file>',
      ),
  )
}

/** Files that hold a secret and that others can read. */
export function secretFileFindings(environment: Environment): Finding[] {
  return Object.entries(environment).flatMap(([name, path]) => {
    if (!name.endsWith('_FILE') || !path || !/SECRET|KEY|TOKEN/.test(name)) return []
    const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
    if ((mode & 0o004) === 0) return []
    return [warning('secret-file', `Everybody can read '${path}' of ${name}.`, `chmod 600 ${path}`)]
  })
}

/** Root may write everywhere, so only who owns what tells whether the server's user may. */
function ownerFinding(path: string, folder: string): Finding | false {
  const owner = statSync(path, { throwIfNoEntry: false })?.uid
  const theirs = statSync(folder, { throwIfNoEntry: false })?.uid
  if (process.getuid?.() !== 0 || owner === undefined || theirs === undefined) return false
  return (
    owner !== theirs &&
    error(
      'owner',
      `'${path}' belongs to user ${owner}, the folder '${folder}' to user ${theirs}.`,
      `If the server runs as ${theirs}: chown ${theirs} ${path}`,
    )
  )
}

/** The server makes folders that are missing, where it may. */
function creatable(path: string): boolean {
  const parent = dirname(resolve(path))
  if (!existsSync(parent)) return creatable(parent)
  return statSync(parent).isDirectory() && writable(parent)
}

function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
