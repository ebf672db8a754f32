import type { Environment } from '#src/config/config.ts'

/** What a command meets of the world around it. */
export interface Terminal {
  environment: Environment
  print(text: string): Promise<void>
  complain(text: string): Promise<void>
}

/** The exit codes of every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2, configuration: 3 } as const

/** Ends a command with a message for a person and an exit code. */
export class Failure extends Error {
  readonly exitCode: number
  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message)
    this.name = 'Failure'
    this.exitCode = exitCode
  }
}
