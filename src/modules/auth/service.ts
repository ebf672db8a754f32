import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Random } from '#src/lib/random.ts'
import { spend } from '#src/modules/limits/commands.ts'
import type { CodeRequest, Origin } from '#src/plugins/origin.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import { getAccount, logIn, resetPassword, signUp } from './account-commands.ts'
import { noteProof } from './challenge-commands.ts'
import type { Limits } from './limits.ts'
import type { LogIn, ResetPassword, SendOtp, SignUp } from './model.ts'
import type { NumberDigests } from './number-digest.ts'
import { codeOf, invalidOtp, type Otp } from './otp.ts'
import { invalidCredentials, type Passwords, passwordRequired, unlessBusy } from './passwords.ts'
import { createProof, hashFor, keepTry } from './proof.ts'
import type { Sessions, TokenPair } from './sessions.ts'

export interface AccountDeps {
  database: Database
  otp: Otp
  passwords: Passwords
  sessions: Sessions
  limits: Limits
  numberDigests: NumberDigests
  clock: Clock
  random: Random
}

export type Accounts = ReturnType<typeof createAccounts>

export function createAccounts(deps: AccountDeps) {
  const { database, otp, passwords, sessions, limits, clock, random } = deps

  const prove = createProof(deps)

  return {
    /** Does the same whether the number has an account or not. @throws Problem 422, 429, 503 */
    async signUp({ phone, name, password }: SignUp, origin: Origin): Promise<{ message: string }> {
      const e164 = otp.servedPhone(phone)
      const who = hashFor(origin, false)
      if (password !== undefined) {
        await passwords.check(password, '/password', { phone: e164, name: name ?? null })
        passwords.refuseWhenBusy(who)
      }
      await database.run(spend, { limits: limits.signUp(origin), now: clock.now() })
      const passwordHash = password === undefined ? null : await passwords.hash(password, who)
      const now = clock.now()
      const id = random.id(now)
      await database.run(signUp, {
        id,
        phone: e164,
        numberDigests: deps.numberDigests(e164),
        name: name ?? null,
        passwordHash,
        origin,
        now,
      })
      return { message: 'Ask for a code with POST /v1/auth/send-otp to prove the number.' }
    },

    /**
     * Sends a code. A password is compared, but the result is shown only to a client that proves the code: otherwise
     * anybody could guess passwords, or see from the answer which numbers have an account. @throws Problem 422, 429
     */
    async sendOtp({ phone, password }: SendOtp, request: CodeRequest): Promise<CodeSent> {
      const e164 = otp.servedPhone(phone)
      const sent = await otp.send({ phone: e164, purpose: 'login' }, request)
      if (password === undefined) return sent
      const account = await database.read(getAccount, { phone: e164 })
      const hash = account?.passwordHash ?? null
      const who = hashFor(request.origin, false)
      const isRight = await unlessBusy(passwords.matches(password, hash, who))
      // Where the server is busy the password counts as not given: verify-otp will ask for it.
      if (isRight === undefined) return sent
      const provenHash = isRight ? hash : null
      await database.run(noteProof, { challengeId: sent.challengeId, provenHash })
      return sent
    },

    /** @throws Problem 401 `invalid-otp`, `password-required` or `invalid-credentials` */
    async logIn(
      { phone, otp: typed, challengeId: handle, password }: LogIn,
      origin: Origin,
    ): Promise<TokenPair & { userId: string }> {
      const e164 = otp.phone(phone)
      const withPassword = password !== undefined
      const code = codeOf(typed, '/otp')
      const given = { phone: e164, purpose: 'login', code, challengeId: handle } as const
      const verdict = await otp.try({ ...given, withPassword }, origin)
      if (verdict.is === 'wrong') throw invalidOtp()
      if (verdict.is === 'password-required') throw passwordRequired()
      if (verdict.is === 'password-refused') throw invalidCredentials()
      const { account, challengeId } = verdict
      // Anybody can have signed the number up again since this client proved the password of its own sign-up.
      const hash = account.verified
        ? account.passwordHash
        : (verdict.provenHash ?? account.passwordHash)
      if (withPassword) {
        const wrong = limits.wrongPassword(e164)
        const guess = { password, hash, userId: account.id, wrong, limits: [] }
        if (!(await keepTry(database, challengeId, () => prove(guess, origin)))) {
          throw invalidCredentials()
        }
      }
      const provenHash = account.verified || withPassword ? hash : verdict.provenHash
      const { session, handOut } = sessions.prepare(account.id, origin)
      const opened = await database.run(logIn, {
        challengeId,
        userId: account.id,
        provenHash,
        renewedHash:
          withPassword && hash
            ? await unlessBusy(passwords.renew(password, hash, hashFor(origin, true)))
            : undefined,
        session,
        mostSessions: sessions.most,
        resend: limits.resend(e164, 'login'),
        home: limits.home(e164, origin.network),
        origin,
        now: clock.now(),
      })
      if (!opened) throw invalidOtp()
      return { userId: account.id, ...(await handOut()) }
    },

    forgotPassword: ({ phone }: { phone: string }, request: CodeRequest): Promise<CodeSent> =>
      otp.send({ phone: otp.servedPhone(phone), purpose: 'reset' }, request),

    /** @throws Problem 401 `invalid-otp`, 422 */
    async resetPassword(
      { phone, otp: typed, challengeId: handle, newPassword }: ResetPassword,
      origin: Origin,
    ): Promise<void> {
      const e164 = otp.phone(phone)
      const code = codeOf(typed, '/otp')
      const who = hashFor(origin, true)
      await passwords.check(newPassword, '/newPassword', { phone: e164, name: null })
      passwords.refuseWhenBusy(who)
      const given = { phone: e164, purpose: 'reset', code, challengeId: handle } as const
      const verdict = await otp.try({ ...given, withPassword: true }, origin)
      if (verdict.is !== 'right') throw invalidOtp()
      const { account, challengeId } = verdict
      const passwordHash = await keepTry(database, challengeId, async () => {
        await passwords.check(newPassword, '/newPassword', account)
        return passwords.hash(newPassword, who)
      })
      const done = await database.run(resetPassword, {
        challengeId,
        userId: account.id,
        passwordHash,
        resend: limits.resend(e164, 'reset'),
        home: limits.home(e164, origin.network),
        wrongPasswords: [limits.wrongPassword(e164), limits.wrongPasswordOfUser(account.id)],
        origin,
        now: clock.now(),
      })
      if (!done) throw invalidOtp()
    },
  }
}
