import type { Log } from '#src/lib/log.ts'
import type { SmsGateway } from './gateway.ts'

/** Writes messages to the log: for a server whose operator hands the codes on, and for trying things out. */
export function createLogGateway(log: Log): SmsGateway {
  return {
    name: 'log',
    sendsOnce: true,
    async send({ to, text }) {
      log.info({ to, text }, 'sms')
    },
  }
}
