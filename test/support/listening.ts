import { Database } from 'bun:sqlite'
import { type Config, parseConfig } from '#src/config/config.ts'
import { systemClock } from '#src/lib/clock.ts'
import type { Log } from '#src/lib/log.ts'
import { silentLog } from '#src/lib/log.ts'
import { systemRandom } from '#src/lib/random.ts'
import { serve } from '#src/serve.ts'
import { call } from './client.ts'
import { temporaryFolder } from './folder.ts'
import { openSocket } from './raw-socket.ts'

/** The whole program, listening on a free port, in this process: for limits a test must be able to lower. */
export async function startListening({
  settings = {},
  idleTimeoutSeconds = 60,
  log = silentLog,
}: {
  settings?: Partial<Config>
  idleTimeoutSeconds?: number
  log?: Log
} = {}) {
  const folder = await temporaryFolder()
  const path = folder.file('pollux.db')
  const { config: usual } = parseConfig({ NODE_ENV: 'test', WRITER_THREAD: 'never' })
  const config = { ...usual, port: 0, databasePath: path }
  const runtime = { clock: systemClock, random: systemRandom, log }
  const server = await serve({ ...config, ...settings }, runtime, { idleTimeoutSeconds })
  const { url } = server
  return {
    url,
    open: () => openSocket(url),
    /** A second connection to its database, for what would take too many requests. */
    database: () => new Database(path, { strict: true }),
    async signIn(phone = '+12025550100'): Promise<string> {
      await call(url, 'POST', '/v1/auth/signup', { body: { phone } })
      const sent = await call<{ otp: string }>(url, 'POST', '/v1/auth/send-otp', {
        body: { phone },
      })
      const body = { phone, otp: sent.body.otp }
      const verified = await call<{ token: string }>(url, 'POST', '/v1/auth/verify-otp', { body })
      return verified.body.token
    },
    async [Symbol.asyncDispose]() {
      await server.stop()
      await folder[Symbol.asyncDispose]()
    },
  }
}

export type Listening = Awaited<ReturnType<typeof startListening>>
