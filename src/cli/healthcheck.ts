import type { Command } from 'commander'
import { parseSettings } from '#src/config/config.ts'
import { SECOND } from '#src/lib/time.ts'
import { Failure, type Terminal } from './terminal.ts'

const TIMEOUT_MS = 3 * SECOND

export function addHealthcheck(program: Command, terminal: Terminal): void {
  program
    .command('healthcheck')
    .description('ask the server of this environment whether it is ready; exit 1 when it is not')
    .action(() => run(terminal))
}

async function run(terminal: Terminal): Promise<void> {
  const { host, port } = parseSettings(terminal.environment, ['host', 'port'])
  // A server that listens everywhere is asked on the loopback.
  const at = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '[::1]' : host
  const url = `http://${at}:${port}/readyz`
  const answer = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).catch(
    () => undefined,
  )
  if (!answer) throw new Failure(`Nothing answers at ${url}.`)
  if (!answer.ok) throw new Failure(`${url} answers ${answer.status}: ${await answer.text()}`)
  await terminal.print('ready')
}
