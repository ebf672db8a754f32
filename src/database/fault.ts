/** Not a whole database of ours, or one that cannot be opened. The message says what it is and what helps. */
export class UnusableDatabase extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UnusableDatabase'
  }
}

/** SQLite cannot write or read now (disk full, I/O error, read-only, busy): not the command's fault. */
export function isDatabaseFault(error: unknown): boolean {
  return (
    error instanceof UnusableDatabase ||
    /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB)/.test(codeOf(error))
  )
}

/** Another process holds the write lock; waiting helps. */
export function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY')
}

/** What an operator should know of the fault: what is wrong and how to mend it. */
export function explainFault(error: unknown, path: string): string {
  const code = codeOf(error)
  if (error instanceof UnusableDatabase) return error.message
  const known = meanings.find(([pattern]) => pattern.test(code))
  const told = error instanceof Error ? error.message : String(error)
  return known ? `${known[1](path)} (${code})` : `The database '${path}' failed: ${told} (${code})`
}

const meanings: [RegExp, (path: string) => string][] = [
  [/FULL/, (path) => `The disk of '${path}' is full. Make room on it; writing goes on by itself.`],
  [
    /READONLY/,
    (path) =>
      `'${path}' or its folder cannot be written to. Check its owner, its mode and the mount.`,
  ],
  [
    /CANTOPEN/,
    (path) => `'${path}' cannot be opened. Check that the folder exists and is this user's.`,
  ],
  [
    /CORRUPT|NOTADB/,
    (path) =>
      `'${path}' is damaged or not an SQLite database. Restore a backup: pollux restore <file>.`,
  ],
  [/IOERR/, (path) => `The disk of '${path}' cannot be read or written. Look at the system's log.`],
  [/BUSY|LOCKED/, (path) => `Another process holds the write lock of '${path}'.`],
]

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
