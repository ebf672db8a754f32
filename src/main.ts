import './config/production-by-default.ts'
import { runCommandLine } from './cli/program.ts'

// What it writes holds what people wrote: the database, its log, backups are its user's alone.
process.umask(0o077)

const exitCode = await runCommandLine(Bun.argv.slice(2), {
  environment: process.env,
  async print(text) {
    await Bun.write(Bun.stdout, `${text}\n`)
  },
  async complain(text) {
    await Bun.write(Bun.stderr, `${text}\n`)
  },
})
// Whatever a failed start left behind (a socket, a timer) must not keep the process alive.
process.exit(exitCode)
