import { expect, test } from 'bun:test'
import { createAccountApp, otherThan, PHONE } from '#test/support/test-accounts.ts'

const PREVIOUS = 'the-secret-before-the-rotation-of-it'
const CURRENT = 'the-secret-after-the-rotation-of-it-'

/** Takes the open challenge and its account over into an app with other secrets, as a restart would. */
async function rotated(settings: { jwtSecret: string; jwtSecretPrevious?: string }) {
  const before = createAccountApp({ jwtSecret: PREVIOUS })
  await before.post('signup', { phone: PHONE })
  const proof = await before.challenge()
  const after = createAccountApp(settings)
  for (const table of ['users', 'otp_challenges']) {
    const rows = before.database.sqlite.query<Record<string, string>, []>(`SELECT * FROM ${table}`)
    for (const row of rows.all()) {
      const names = Object.keys(row)
      after.database.sqlite
        .query(`INSERT INTO ${table} (${names.join()}) VALUES (${names.map(() => '?').join()})`)
        .run(...Object.values(row))
    }
  }
  return { ...after, proof }
}

test('a code sent before the secret was rotated logs in while the previous secret is given', async () => {
  const { verify, proof } = await rotated({ jwtSecret: CURRENT, jwtSecretPrevious: PREVIOUS })
  expect((await verify(otherThan(proof.otp), { challengeId: proof.challengeId })).status).toBe(401)
  const { otp, challengeId } = proof
  expect((await verify(otp, { challengeId })).status).toBe(200)
})

test('a code sent before the secret was replaced is worth nothing', async () => {
  const { verify, proof } = await rotated({ jwtSecret: CURRENT })
  const { otp, challengeId } = proof
  expect((await verify(otp, { challengeId })).status).toBe(401)
})

test('every failure from the fifth of a day on is written into the audit log, and none before', async () => {
  const { verify, challenge, post, database } = createAccountApp({ otpPerNumberDay: 100 })
  await post('signup', { phone: PHONE })
  const entries = () =>
    database.sqlite
      .query<{ detail: string }, []>(
        "SELECT detail FROM audit_log WHERE event = 'code.refused' ORDER BY id",
      )
      .all()
      .map(({ detail }) => JSON.parse(detail).wrong)
  const logged: number[] = []
  for (let wrong = 1; wrong <= 20; wrong++) {
    const { otp } = await challenge()
    await verify(otherThan(otp))
    if (wrong > 4) logged.push(wrong)
    expect(entries()).toEqual(logged)
  }
})

test('wrong passwords after a right code are written down in the same way', async () => {
  const { verify, challenge, logInWithPassword, database } = createAccountApp({
    otpPerNumberDay: 100,
  })
  await logInWithPassword()
  const entries = () =>
    database.sqlite.query("SELECT 1 FROM audit_log WHERE event = 'password.refused'").all().length
  for (let wrong = 1; wrong <= 8; wrong++) {
    // Half of them come with the request for the code.
    const early = wrong % 2 === 0
    const { otp, challengeId } = await challenge({
      phone: PHONE,
      ...(early ? { password: 'not the right one' } : {}),
    })
    const password = early ? {} : { password: 'not the right one' }
    expect((await verify(otp, { challengeId, ...password })).status).toBe(401)
    expect(entries()).toBe(Math.max(0, wrong - 4))
  }
})
