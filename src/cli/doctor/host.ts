import { openFilesLimit } from '#src/lib/open-files.ts'
import { type Finding, found, warning } from './finding.ts'

const LEAST_FILES = 8_192

export interface Host {
  userId: number | undefined
  /** The soft limit on open files. */
  openFiles: number
}

export function hostFindings({ userId, openFiles }: Host): Finding[] {
  return found(
    userId === 0 &&
      warning(
        'root',
        'This runs as root.',
        'Give it a user of its own, as deploy/pollux.service does.',
      ),
    openFiles < LEAST_FILES &&
      warning(
        'open-files',
        `At most ${openFiles} files and connections may be open at once.`,
        `Raise it: LimitNOFILE=65536 with systemd, --ulimit nofile=65536 with a container.`,
      ),
  )
}

export function thisHost(): Host {
  return { userId: process.getuid?.(), openFiles: openFilesLimit() }
}
