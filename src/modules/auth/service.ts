import type { Clock } from '#src/lib/clock.ts'
import { invalid, Problem } from '#src/lib/problem.ts'
import type { Random } from '#src/lib/random.ts'
import { type Principal, unauthenticated } from '#src/plugins/auth.ts'
import type { Origin } from '#src/plugins/origin.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import type { Limits } from './limits.ts'
import type { ChangePassword, LogIn, ResetPassword, SendOtp, SignUp } from './model.ts'
import type { NumberDigests } from './number-digest.ts'
import { invalidOtp, type Otp, wrongOtp } from './otp.ts'
import { invalidCredentials, type Passwords, wrongPassword } from './passwords.ts'
import { createProof } from './proof.ts'
import type { Sessions, TokenPair } from './sessions.ts'
import type { Account, AccountStore } from './store.ts'

export interface AccountDeps {
  store: AccountStore
  otp: Otp
  passwords: Passwords
  sessions: Sessions
  limits: Limits
  numberDigests: NumberDigests
  clock: Clock
  random: Random
}

/** What a request brings besides its body. */
export interface Request {
  origin: Origin
  trace: string | undefined
}

export type Accounts = ReturnType<typeof createAccounts>

export function createAccounts(deps: AccountDeps) {
  const { store, otp, passwords, sessions, limits, clock, random } = deps

  const prove = createProof(deps)

  return {
    /** The same whether the number is taken or not. */
    async signUp({ phone, name, password }: SignUp, origin: Origin): Promise<{ message: string }> {
      const e164 = otp.servedPhone(phone)
      if (password !== undefined) {
        await passwords.check(password, '/password', { phone: e164, name: name ?? null })
        passwords.refuseWhenBusy()
      }
      await store.admit({ limits: limits.signUp(origin.network), now: clock.now() })
      const passwordHash = password === undefined ? null : await passwords.hash(password)
      const now = clock.now()
      const id = random.id(now)
      await store.signUp({
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

    /** @throws Problem 401 `invalid-credentials` where a password is given and wrong */
    async sendOtp({ phone, password }: SendOtp, request: Request): Promise<CodeSent> {
      const e164 = otp.servedPhone(phone)
      let provenHash: string | null = null
      if (password !== undefined) {
        const account = await store.byPhone(e164)
        const hash = account?.passwordHash ?? null
        if (
          !(await prove(password, hash, { phone: e164, id: account?.id ?? null }, request.origin))
        ) {
          throw invalidCredentials()
        }
        provenHash = hash
      }
      return otp.send({ phone: e164, purpose: 'login', provenHash }, request)
    },

    /** @throws Problem 401 `invalid-otp`, `password-required` or `invalid-credentials` */
    async logIn(
      { phone, otp: code, password }: LogIn,
      origin: Origin,
    ): Promise<TokenPair & { userId: string }> {
      const e164 = otp.phone(phone)
      const withPassword = password !== undefined
      const given = { phone: e164, purpose: 'login', code, withPassword } as const
      const verdict = await otp.try(given, origin)
      if (verdict.is === 'wrong') throw invalidOtp()
      if (verdict.is === 'password-required') {
        throw new Problem(401, 'password-required', 'Send the password together with the code.', {
          headers: { 'www-authenticate': 'Bearer' },
        })
      }
      const { account, challengeId } = verdict
      // Before the number is proven, the sign-up's password counts only if this very login proved it:
      // anybody can have signed the number up in between.
      const hash = account.verified
        ? account.passwordHash
        : (verdict.provenHash ?? account.passwordHash)
      if (withPassword && !(await prove(password, hash, account, origin)))
        throw invalidCredentials()
      const provenHash = account.verified || withPassword ? hash : verdict.provenHash
      const { session, handOut } = sessions.prepare(account.id, origin)
      const opened = await store.logIn({
        challengeId,
        userId: account.id,
        provenHash,
        renewedHash: withPassword && hash ? await passwords.renew(password, hash) : undefined,
        session,
        resend: limits.resend(e164, 'login'),
        origin,
        now: clock.now(),
      })
      if (!opened) throw invalidOtp()
      return { userId: account.id, ...(await handOut()) }
    },

    forgotPassword: ({ phone }: { phone: string }, request: Request): Promise<CodeSent> =>
      otp.send({ phone: otp.servedPhone(phone), purpose: 'reset', provenHash: null }, request),

    /** @throws Problem 401 `invalid-otp`, 422 */
    async resetPassword(
      { phone, otp: code, newPassword }: ResetPassword,
      origin: Origin,
    ): Promise<void> {
      const e164 = otp.phone(phone)
      await passwords.check(newPassword, '/newPassword', { phone: e164, name: null })
      passwords.refuseWhenBusy()
      const verdict = await otp.try(
        { phone: e164, purpose: 'reset', code, withPassword: true },
        origin,
      )
      if (verdict.is !== 'right') throw invalidOtp()
      const { account, challengeId } = verdict
      await passwords.check(newPassword, '/newPassword', account)
      const done = await store.resetPassword({
        challengeId,
        userId: account.id,
        passwordHash: await passwords.hash(newPassword),
        resend: limits.resend(e164, 'reset'),
        origin,
        now: clock.now(),
      })
      if (!done) throw invalidOtp()
    },

    /** @throws Problem 403 `wrong-password` or `wrong-otp`, 422 */
    async changePassword(
      { userId, sessionId }: Principal,
      { oldPassword, newPassword, confNewPassword, passwordChangeOTP }: ChangePassword,
      origin: Origin,
    ): Promise<void> {
      const account = await accountOf(userId)
      if (confNewPassword !== undefined && confNewPassword !== newPassword) {
        throw invalid({ pointer: '/confNewPassword', detail: 'must be the same as newPassword' })
      }
      await passwords.check(newPassword, '/newPassword', account)
      passwords.refuseWhenBusy()
      const isSet = account.passwordHash !== null
      if (isSet && oldPassword === undefined) {
        throw invalid({ pointer: '/oldPassword', detail: 'must be given: a password is set' })
      }
      if (!isSet && passwordChangeOTP === undefined) {
        throw invalid({
          pointer: '/passwordChangeOTP',
          detail: 'must be given, as no password is set: ask for it with forgot-password',
        })
      }
      if (
        oldPassword !== undefined &&
        !(await prove(oldPassword, account.passwordHash, account, origin))
      ) {
        throw wrongPassword()
      }
      const challengeId = await proveCode(account, 'reset', passwordChangeOTP, origin)
      const done = await store.changePassword({
        userId,
        from: account.passwordHash,
        to: await passwords.hash(newPassword),
        challengeId,
        keepSessionId: sessionId,
        origin,
        now: clock.now(),
      })
      if (!done) {
        throw new Problem(409, 'password-changed', 'The password was changed by another request.')
      }
    },

    /** A code to prove that the account is to be deleted. */
    async sendDeletionCode({ userId }: Principal, request: Request): Promise<CodeSent> {
      const { phone } = await accountOf(userId)
      return otp.send({ phone, purpose: 'delete', provenHash: null }, request)
    },

    /** Proves that the person is there, by a code sent for it or the password. @throws Problem 403, 422 */
    async proveForDeletion(
      { userId }: Principal,
      given: { otp?: string | undefined; password?: string | undefined },
      origin: Origin,
    ): Promise<void> {
      const account = await accountOf(userId)
      if (given.otp === undefined && given.password === undefined) {
        throw invalid({ pointer: '', detail: 'must hold otp or password' })
      }
      if (
        given.password !== undefined &&
        !(await prove(given.password, account.passwordHash, account, origin))
      ) {
        throw wrongPassword()
      }
      const challengeId = await proveCode(account, 'delete', given.otp, origin)
      if (challengeId === undefined) return
      if (!(await store.useChallenge({ challengeId, now: clock.now() }))) throw wrongOtp()
    },
  }

  async function accountOf(userId: string): Promise<Account> {
    const account = await store.byId(userId)
    // The account went while this request was on its way.
    if (!account) throw unauthenticated()
    return account
  }

  /** The challenge that a right code met; undefined where none was given. */
  async function proveCode(
    { phone }: Account,
    purpose: 'reset' | 'delete',
    code: string | undefined,
    origin: Origin,
  ): Promise<string | undefined> {
    if (code === undefined) return undefined
    const verdict = await otp.try({ phone, purpose, code, withPassword: true }, origin)
    if (verdict.is !== 'right') throw wrongOtp()
    return verdict.challengeId
  }
}
