import type { Command } from 'commander'
import { toInstant } from '#src/lib/time.ts'
import type { Pause } from '#src/queue/provider-limits.ts'
import { withServices } from './context.ts'
import { resumeProvider } from './operator-commands.ts'
import { table } from './table.ts'
import { Failure, type Terminal } from './terminal.ts'

/** Stands for a refused key, which pauses every model. */
const ALL_MODELS = 'all models'

const MEANING = {
  limited: 'asked us to wait',
  exhausted: 'quota used up',
  key: 'refuses GEMINI_API_KEY',
}

export function addProvider(program: Command, terminal: Terminal): void {
  const provider = program
    .command('provider')
    .description('look at the pauses of the models and lift them; lifting one is audited')
  provider
    .command('show')
    .description('the models that are not called now, why, and until when')
    .option('--json', 'print JSON')
    .action((options) => show(terminal, options))
  provider
    .command('resume')
    .description('lift the pause of one model, or every pause; prompts that wait for it go on')
    .argument('[model]', 'its name; all when left out')
    .action((model) => resume(terminal, model))
}

/** The pauses as lines of a table, for this command and for `jobs stats`. */
export function pauseTable(pauses: readonly Pause[]): string {
  const cells = pauses.map(({ model, reason, until, since, quotaId }) => [
    model || ALL_MODELS,
    MEANING[reason],
    ...[toInstant(since), toInstant(until), quotaId],
  ])
  return table(['model', 'the provider', 'since', 'until', 'quota'], cells)
}

function show(terminal: Terminal, { json }: { json?: true }) {
  return withServices(terminal, async ({ services }) => {
    const pauses = await services.provider.pauses()
    if (json) return terminal.print(JSON.stringify(pauses.map(describe)))
    return terminal.print(pauses.length === 0 ? 'No model is paused.' : pauseTable(pauses))
  })
}

function describe({ model, since, until, ...pause }: Pause) {
  const name = model === '' ? null : model
  return { model: name, ...pause, since: toInstant(since), until: toInstant(until) }
}

function resume(terminal: Terminal, model: string | undefined) {
  return withServices(terminal, async ({ database, services }) => {
    const resumption = services.provider.resumption(model ?? null)
    const lifted = await database.run(resumeProvider, resumption)
    if (lifted === 0) {
      throw new Failure(model === undefined ? 'No model is paused.' : `${model} is not paused.`)
    }
    return terminal.print(lifted === 1 ? 'Lifted 1 pause.' : `Lifted ${lifted} pauses.`)
  })
}
