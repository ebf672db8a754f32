import pino, { type Logger } from 'pino'

/** Structured log. Never give it a body, a phone number or a secret. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

/** One JSON object a line on standard output. */
export function createLog(level: string): Log {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime })
}

export const silentLog: Log = pino({ level: 'silent' })
