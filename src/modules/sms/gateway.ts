import type { Log } from '#src/lib/log.ts'

/** One short message to one number. */
export interface Sms {
  /** Unique to the message: a gateway that knows it sends it once. */
  id: string
  /** E.164. */
  to: string
  text: string
}

/**
 * Hands messages to whoever delivers them. `send` resolves once the message was accepted, and throws
 * `NotAccepted` where it surely was not; whatever else it throws leaves open whether it was.
 */
export interface SmsGateway {
  name: string
  /** True where sending the same id again is harmless. */
  sendsOnce: boolean
  send(sms: Sms, signal: AbortSignal): Promise<void>
}

/** The message was surely not accepted. */
export class NotAccepted extends Error {
  /** False where trying again cannot help. */
  readonly temporary: boolean
  /** As the provider asked. */
  readonly retryAfterMs: number | undefined
  /** The operator has to fix it: a wrong key or a wrong sender. */
  readonly misconfigured: boolean
  constructor(
    message: string,
    details: { temporary: boolean; retryAfterMs?: number | undefined; misconfigured?: boolean },
  ) {
    super(message)
    this.name = 'NotAccepted'
    this.temporary = details.temporary
    this.retryAfterMs = details.retryAfterMs
    this.misconfigured = details.misconfigured ?? false
  }
}

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
