import './config/production-by-default.ts'
import type { BunFile } from 'bun'
import { runCommandLine } from './cli/program.ts'

// What it writes holds what people wrote: the database, its log, backups are its user's alone.
process.umask(0o077)

const exitCode = await runCommandLine(Bun.argv.slice(2), {
  environment: process.env,
  print: (text) => write(Bun.stdout, text),
  complain: (text) => write(Bun.stderr, text),
})
// Whatever a failed start left behind (a socket, a timer) must not keep the process alive.
process.exit(exitCode)

async function write(to: BunFile, text: string): Promise<void> {
  try {
    await Bun.write(to, `${text}\n`)
  } catch (error) {
    // Whoever read has enough, as `head` does: the end that SIGPIPE, which Bun ignores, would have brought.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit(128 + 13)
    throw error
  }
}
