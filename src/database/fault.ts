/** SQLite cannot write or read now (disk full, I/O error, read-only, busy): not the command's fault. */
export function isDatabaseFault(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    /^SQLITE_(BUSY|LOCKED|FULL|IOERR|READONLY|CANTOPEN|CORRUPT|NOTADB)/.test(String(error.code))
  )
}
