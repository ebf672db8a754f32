import type { Command } from 'commander'
import { type Config, ConfigError, parseConfig } from '#src/config/config.ts'
import { systemClock } from '#src/lib/clock.ts'
import { visible } from '#src/lib/visible.ts'
import { databaseFindings } from './doctor/database.ts'
import { backupFindings, diskFindings, secretFileFindings } from './doctor/disk.ts'
import { error, type Finding, warning } from './doctor/finding.ts'
import { geminiFindings, pauseFindings } from './doctor/gemini.ts'
import { hostFindings, thisHost } from './doctor/host.ts'
import { misspeltFindings, settingsFindings } from './doctor/settings.ts'
import { stripeFindings, stripeFormFindings } from './doctor/stripe.ts'
import { Failure, type Terminal } from './terminal.ts'

interface Options {
  offline?: true
  json?: true
}

export function addDoctor(program: Command, terminal: Terminal): void {
  program
    .command('doctor')
    .description('look for misconfigurations and say how to fix each; exit 1 on an error')
    .option('--offline', 'ask no provider')
    .option('--json', 'print JSON')
    .action((options) => run(terminal, options))
}

async function run(terminal: Terminal, options: Options): Promise<void> {
  const findings = await examine(terminal, options)
  const errors = findings.filter(({ level }) => level === 'error').length
  if (options.json) await terminal.print(JSON.stringify({ findings }))
  else if (findings.length === 0) await terminal.print('Nothing is wrong.')
  else await terminal.print(findings.map(describe).join('\n\n'))
  if (errors > 0) throw new Failure(`${errors} error(s).`)
}

async function examine(terminal: Terminal, options: Options): Promise<Finding[]> {
  const { environment } = terminal
  const now = systemClock.now()
  const always = [...misspeltFindings(environment), ...secretFileFindings(environment)]
  let parsed: { config: Config; notices: string[] }
  try {
    parsed = parseConfig(environment)
  } catch (fault) {
    if (!(fault instanceof ConfigError)) throw fault
    // Nothing further can be examined, but who fixes these wants to see everything that can be checked.
    const faults = fault.faults.map((what) =>
      error('configuration', what, 'See docs/configuration.md.'),
    )
    return [...faults, ...always, ...hostFindings(thisHost())]
  }
  const { config, notices } = parsed
  // In development the stand-in answers, which starts with the server only.
  const offline = options.offline ?? config.nodeEnv !== 'production'
  return [
    ...notices.map((what) =>
      warning('renamed', what, 'Both names work; the old one may go one day.'),
    ),
    ...always,
    ...settingsFindings(config),
    ...diskFindings(config),
    ...databaseFindings(config.databasePath, now),
    ...pauseFindings(config, now),
    ...backupFindings(config, now),
    ...hostFindings(thisHost()),
    ...stripeFormFindings(config),
    ...(offline ? [] : await geminiFindings(config)),
    ...(offline ? [] : await stripeFindings(config)),
  ]
}

function describe({ level, check, what, fix }: Finding): string {
  return `${level} · ${check}\n  ${visible(what)}\n  ${visible(fix)}`
}
