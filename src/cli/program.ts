import { Command, CommanderError } from 'commander'
import { ConfigError } from '#src/config/config.ts'
import { UnusableDatabase } from '#src/database/fault.ts'
import { DatabaseInUse } from '#src/database/sqlite/lock.ts'
import { DatabaseFromTheFuture } from '#src/database/sqlite/migrate.ts'
import { describeError } from '#src/lib/log-error.ts'
import { visible, visibleLines } from '#src/lib/visible.ts'
import { addAudit } from './audit.ts'
import { addBackup } from './backup.ts'
import { addDoctor } from './doctor.ts'
import { addHealthcheck } from './healthcheck.ts'
import { addJobs } from './jobs.ts'
import { addMigrate } from './migrate.ts'
import { addOpenapi } from './openapi.ts'
import { addProvider } from './provider.ts'
import { addRestore } from './restore.ts'
import { addServe } from './serve.ts'
import { EXIT, Failure, type Terminal } from './terminal.ts'
import { addUser } from './user.ts'
import { version } from './version.ts'

const AFTERWORD = `
Exit codes: ${EXIT.ok} done · ${EXIT.failed} failed, or the answer is no · ${EXIT.usage} wrong usage · ${EXIT.configuration} faults in the configuration.
Settings come from the environment; docs/configuration.md lists them.`

/** Each command is a file of this folder: it adds itself with its options, its help and its action. */
const commands = [
  addServe,
  addMigrate,
  addHealthcheck,
  addJobs,
  addProvider,
  addUser,
  addAudit,
  addOpenapi,
  addBackup,
  addRestore,
  addDoctor,
]

/** Runs one command and gives its exit code. */
export async function runCommandLine(argv: string[], outside: Terminal): Promise<number> {
  const terminal = escaping(outside)
  let written = Promise.resolve()
  const program = new Command('pollux')
    .description('A Gemini-style chat backend in one file.')
    .version(version)
    .showHelpAfterError('(add --help for the options)')
    .addHelpText('after', AFTERWORD)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => {
        written = written.then(() => terminal.print(text.trimEnd()))
      },
      writeErr: (text) => {
        written = written.then(() => terminal.complain(text.trimEnd()))
      },
    })
  for (const add of commands) add(program, terminal)
  try {
    refuseUnknown(program, argv[0])
    await program.parseAsync(argv, { from: 'user' })
    return EXIT.ok
  } catch (error) {
    return await explain(error, terminal)
  } finally {
    await written
  }
}

/** Everything every command writes comes through here, so no command can pass on a control character of its data. */
function escaping(terminal: Terminal): Terminal {
  return {
    environment: terminal.environment,
    print: (text) => terminal.print(visibleLines(text)),
    complain: (text) => terminal.complain(visibleLines(text)),
  }
}

/** Commander takes a word that it does not know for an argument of the default command. */
function refuseUnknown(program: Command, word: string | undefined): void {
  if (word === undefined || word.startsWith('-') || word === 'help') return
  const names = program.commands.map((command) => command.name())
  if (names.includes(word)) return
  program.error(`error: unknown command '${word}'. There are ${names.join(', ')}.`)
}

async function explain(error: unknown, terminal: Terminal): Promise<number> {
  // Commander has already said what was wrong, or shown the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  if (error instanceof ConfigError) {
    await terminal.complain(error.message)
    return EXIT.configuration
  }
  if (error instanceof Failure) {
    await terminal.complain(visible(error.message))
    return error.exitCode
  }
  if (
    error instanceof DatabaseInUse ||
    error instanceof DatabaseFromTheFuture ||
    error instanceof UnusableDatabase
  ) {
    await terminal.complain(visible(error.message))
    return EXIT.failed
  }
  // Of a file or folder that the system refuses: its message names it, and where in the program helps nobody.
  if (error instanceof Error && 'syscall' in error && 'path' in error) {
    await terminal.complain(visible(error.message))
    return EXIT.failed
  }
  const { type, message, stack } = describeError(error)
  await terminal.complain([visible(`${type}: ${message}`), stack ?? ''].join('\n').trimEnd())
  return EXIT.failed
}
