import { invalid, Problem } from '#src/lib/problem.ts'
import { type Principal, unauthenticated } from '#src/plugins/auth.ts'
import type { CodeRequest, Origin } from '#src/plugins/origin.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import { type Account, changePassword, getAccount } from './account-commands.ts'
import { useChallenge } from './challenge-commands.ts'
import type { ChangePassword } from './model.ts'
import { codeOf, wrongOtp } from './otp.ts'
import { wrongPassword } from './passwords.ts'
import { createProof, hashFor, keepTry } from './proof.ts'
import type { AccountDeps } from './service.ts'

/** What proves, besides the session, that the owner is there. */
export interface Proof {
  otp?: string | undefined
  challengeId?: string | undefined
  password?: string | undefined
}

export type Reproof = ReturnType<typeof createReproof>

/** What a user who is logged in has to prove themselves for again. */
export function createReproof(deps: AccountDeps) {
  const { database, otp, passwords, limits, clock } = deps
  const prove = createProof(deps)

  async function accountOf(userId: string): Promise<Account> {
    const account = await database.read(getAccount, { userId })
    // The account was deleted while this request was on its way.
    if (!account) throw unauthenticated()
    return account
  }

  function provePassword(password: string, { id, passwordHash }: Account, origin: Origin) {
    const wrong = limits.wrongPasswordOfUser(id)
    const guess = { password, hash: passwordHash, userId: id, wrong }
    return prove({ ...guess, limits: limits.request(origin) }, origin)
  }

  /** The challenge whose code was right. @throws Problem 403 `wrong-otp` */
  async function proveCode(given: Parameters<typeof otp.try>[0], origin: Origin): Promise<string> {
    const verdict = await otp.try(given, origin)
    if (verdict.is !== 'right') throw wrongOtp()
    return verdict.challengeId
  }

  return {
    /** @throws Problem 403 `wrong-password` or `wrong-otp`, 422 */
    async changePassword(
      { userId, sessionId }: Principal,
      body: ChangePassword,
      origin: Origin,
    ): Promise<void> {
      const { oldPassword, newPassword, confNewPassword, passwordChangeOTP } = body
      const account = await accountOf(userId)
      const who = hashFor(origin, true)
      if (body.phone !== undefined && otp.phone(body.phone) !== account.phone) {
        throw invalid({ pointer: '/phone', detail: 'must be your own number, or left out' })
      }
      if (confNewPassword !== undefined && confNewPassword !== newPassword) {
        throw invalid({ pointer: '/confNewPassword', detail: 'must be the same as newPassword' })
      }
      const code =
        passwordChangeOTP === undefined
          ? undefined
          : codeOf(passwordChangeOTP, '/passwordChangeOTP')
      await passwords.check(newPassword, '/newPassword', account)
      passwords.refuseWhenBusy(who)
      const isSet = account.passwordHash !== null
      if (isSet && oldPassword === undefined) {
        throw invalid({ pointer: '/oldPassword', detail: 'must be given: a password is set' })
      }
      if (!isSet && code === undefined) {
        throw invalid({
          pointer: '/passwordChangeOTP',
          detail: 'must be given, as no password is set: ask for it with forgot-password',
        })
      }
      if (oldPassword !== undefined && !(await provePassword(oldPassword, account, origin))) {
        throw wrongPassword()
      }
      const { phone } = account
      const { challengeId: handle } = body
      const given = { phone, purpose: 'reset', challengeId: handle, withPassword: true } as const
      const challengeId =
        code === undefined ? undefined : await proveCode({ ...given, code }, origin)
      const to =
        challengeId === undefined
          ? await passwords.hash(newPassword, who)
          : await keepTry(database, challengeId, () => passwords.hash(newPassword, who))
      const done = await database.run(changePassword, {
        userId,
        from: account.passwordHash,
        to,
        challengeId,
        keepSessionId: sessionId,
        wrongPasswords: [limits.wrongPassword(phone), limits.wrongPasswordOfUser(userId)],
        origin,
        now: clock.now(),
      })
      if (!done) {
        throw new Problem(409, 'password-changed', 'The password was changed by another request.')
      }
    },

    /** Sends a code that proves that the account is to be deleted. @throws Problem 429 */
    async sendDeletionCode({ userId }: Principal, request: CodeRequest): Promise<CodeSent> {
      const { phone } = await accountOf(userId)
      return otp.send({ phone, purpose: 'delete', userId }, request)
    },

    /** Proves that the owner is there, by a code sent for it or the password. @throws Problem 403, 422 */
    async proveForDeletion({ userId }: Principal, given: Proof, origin: Origin): Promise<void> {
      const account = await accountOf(userId)
      if (given.otp === undefined && given.password === undefined) {
        throw invalid({ pointer: '', detail: 'must hold otp or password' })
      }
      const code = given.otp === undefined ? undefined : codeOf(given.otp, '/otp')
      if (given.password !== undefined && !(await provePassword(given.password, account, origin))) {
        throw wrongPassword()
      }
      if (code === undefined) return
      const { phone } = account
      const { challengeId: handle } = given
      const attempt = { phone, purpose: 'delete', userId, challengeId: handle } as const
      const challengeId = await proveCode({ ...attempt, code, withPassword: true }, origin)
      if (!(await database.run(useChallenge, { challengeId, now: clock.now() }))) throw wrongOtp()
    },
  }
}
