import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { middayZone } from './midday.ts'

const START_DEADLINE_MS = 20_000

/** Settings for tests that send many prompts in no time. */
export const UNLIMITED = {
  BASIC_DAILY_PROMPTS: '1000000',
  PROMPTS_PER_MINUTE: '1000000',
  MAX_PENDING_PROMPTS: '1000000',
}

export interface ServerProcess {
  url: string
  pid: number
  /** Every line it wrote so far, both streams. */
  lines: readonly string[]
  /** Sends the signal and waits for the end; gives the exit code, 128 + signal where it was killed. */
  stop(signal?: 'SIGTERM' | 'SIGINT' | 'SIGKILL'): Promise<number>
  signal(signal: NodeJS.Signals): void
  exited: Promise<number>
  /** Resolves with the first line, past or future, that the test accepts. */
  line(accepts: (line: string) => boolean): Promise<string>
  [Symbol.asyncDispose](): Promise<void>
}

export interface ServerOptions {
  /** How it is started: the source or a binary. */
  command: string[]
  /** The whole environment, but for PATH: nothing of the tests' own leaks in. */
  environment: Record<string, string>
  cwd?: string
}

/** The command that starts the server from source. */
export const fromSource = [process.execPath, `${import.meta.dir}/../../src/main.ts`]

/**
 * Starts the server as a process of its own on a free port and waits for the line that says it listens.
 * @throws with everything it wrote, when it ends before that or does not come up
 */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const child = Bun.spawn(options.command, {
    env: {
      PATH: process.env['PATH'] ?? '',
      HOST: '127.0.0.1',
      PORT: '0',
      QUOTA_TIMEZONE: middayZone(),
      ...options.environment,
    },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  })
  const lines: string[] = []
  const listeners = new Set<(line: string) => void>()
  const told = [child.stdout, child.stderr].map((stream) =>
    follow(stream, (line) => {
      lines.push(line)
      for (const listener of [...listeners]) listener(line)
    }),
  )
  const exited = Promise.all([child.exited, ...told]).then(([code]) => code)

  function line(accepts: (line: string) => boolean): Promise<string> {
    const past = lines.find(accepts)
    if (past !== undefined) return Promise.resolve(past)
    return new Promise((resolve, reject) => {
      const listener = (next: string) => {
        if (!accepts(next)) return
        listeners.delete(listener)
        resolve(next)
      }
      listeners.add(listener)
      void exited.then((code) =>
        reject(new Error(`The server ended (${code}) before that line:\n${lines.join('\n')}`)),
      )
    })
  }

  async function stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number> {
    child.kill(signal)
    return await exited
  }

  let deadline: Timer | undefined
  const ready = await Promise.race([
    // JSON, or in development a line for people.
    line((text) => /\blistening\b.*http/.test(text) || /http.*"listening"/.test(text)),
    new Promise<never>((_resolve, reject) => {
      deadline = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new Error(`The server did not come up:\n${lines.join('\n')}`))
      }, START_DEADLINE_MS)
    }),
  ]).finally(() => clearTimeout(deadline))
  return {
    url: /https?:\/\/[\w.:[\]]+/.exec(ready)?.[0] ?? '',
    pid: child.pid,
    lines,
    exited,
    stop,
    line,
    signal: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      await stop('SIGKILL')
    },
  }
}

async function follow(stream: ReadableStream, tell: (line: string) => void): Promise<void> {
  // Bun's own stream type, as Node's reads it.
  for await (const line of createInterface(Readable.fromWeb(stream as never))) tell(line)
}
