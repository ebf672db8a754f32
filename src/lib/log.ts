import pino, { type DestinationStream, type Logger } from 'pino'
import { describeError } from './log-error.ts'
import { createLogOutput } from './log-output.ts'
import { prettyLines } from './log-pretty.ts'
import { byTick } from './log-ticks.ts'

/** Structured log. Never give it a body, a phone number or a secret. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>

interface LogOptions {
  /** For a person at a terminal; JSON otherwise. */
  pretty?: boolean
  /** Standard output by default. */
  to?: DestinationStream
}

/** One JSON object a line, with an error reduced to what may be written down. */
export function createLog(level: string, { pretty = false, to }: LogOptions = {}): Log {
  const plain = to ?? byTick(createLogOutput())
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: describeError },
    },
    pretty ? prettyLines(plain, { colour: process.stdout.isTTY }) : plain,
  )
}

export const silentLog: Log = pino({ level: 'silent' })
