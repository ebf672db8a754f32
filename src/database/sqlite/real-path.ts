import { realpathSync } from 'node:fs'

/**
 * The path behind every link, as SQLite takes it: its log lies beside the file itself. As given where no file is there
 * yet, and for `:memory:`.
 */
export function realPath(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path
  }
}
