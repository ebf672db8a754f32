import type { Config } from '#src/config/config.ts'
import { MINUTE } from '#src/lib/time.ts'
import type { CodeSent, User } from '#src/plugins/schemas.ts'
import { createTestApp, json, type ProblemJson } from './test-app.ts'

export const PHONE = '+4930901820'
/** A number without an account. */
export const UNUSED_PHONE = '+4930901821'
export const PASSWORD = 'seven oaks under a lantern'

export interface TokenAnswer {
  token: string
  tokenType: string
  expiresIn: number
  refreshToken: string
  refreshExpiresAt: string
  user: User
}

/** An app for logging in, with cheap password hashes. */
export function createAccountApp(settings: Partial<Config> = {}, options = {}) {
  const app = createTestApp({ argon2MemoryKib: 8, argon2Passes: 1, ...settings }, options)
  const post = (path: string, body?: unknown, token?: string) =>
    app.send('POST', `/v1/auth/${path}`, { body, token })
  const slug = async (answer: Response | Promise<Response>) =>
    (await json<ProblemJson>(answer)).type?.replace('/problems/', '')

  /** Asks for a code, waiting first if it is too soon; with its id, as a login takes both. */
  async function challenge(
    body: object = { phone: PHONE },
    path = 'send-otp',
  ): Promise<{ otp: string; challengeId: string }> {
    for (let wait = 0; wait < 20; wait++) {
      const answer = await post(path, body)
      if (answer.status === 202) {
        const { otp = 'none', challengeId } = await json<CodeSent>(answer)
        return { otp, challengeId }
      }
      if (answer.status !== 429) throw new Error(`${path} answered ${answer.status}`)
      await app.clock.advance(MINUTE)
    }
    throw new Error('no code to be had')
  }

  const code = async (...request: Parameters<typeof challenge>) => (await challenge(...request)).otp

  /** A new account whose first login proves the password of its sign-up. */
  async function logInWithPassword(password = PASSWORD, phone = PHONE): Promise<TokenAnswer> {
    await post('signup', { phone, password })
    const proof = await challenge({ phone, password })
    return json<TokenAnswer>(post('verify-otp', { phone, ...proof }))
  }

  async function logIn(phone = PHONE): Promise<TokenAnswer> {
    await post('signup', { phone })
    return json<TokenAnswer>(post('verify-otp', { phone, otp: await code({ phone }) }))
  }

  const verify = (otp: unknown, more: object = {}) =>
    post('verify-otp', { phone: PHONE, otp, ...more })
  return { ...app, post, slug, challenge, code, logIn, logInWithPassword, verify }
}

/** Another code than the one given. */
export function otherThan(otp: string, by = 1): string {
  return String((Number(otp) + by) % 1_000_000).padStart(6, '0')
}

type Connection = Pick<ReturnType<typeof createTestApp>['database'], 'sqlite'>

/** Takes rows over into another app's database, as a restart with other settings would find them. */
export function copyTable(
  from: Connection,
  to: Connection,
  table: 'users' | 'sessions' | 'refresh_tokens',
) {
  for (const row of from.sqlite.query<Record<string, string>, []>(`SELECT * FROM ${table}`).all()) {
    const names = Object.keys(row)
    const marks = names.map(() => '?').join(', ')
    to.sqlite
      .query(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`)
      .run(...Object.values(row))
  }
}
