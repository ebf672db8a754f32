/**
 * Signs up, logs in, asks one question and prints the answer: `bun docs/clients/typescript-eden/main.ts <url> <phone>`.
 * The types are those of the routes themselves, so it lives in the repository, or wherever its types are.
 * The server must run with OTP_DELIVERY=response, as it does in development.
 */
import { treaty } from '@elysiajs/eden'
import type { App } from '../../../src/app.ts'

const [url = 'http://127.0.0.1:3000', phone = '+4930901821'] = process.argv.slice(2)
let token = ''
const { v1 } = treaty<App>(url, {
  headers: () => (token === '' ? {} : { authorization: `Bearer ${token}` }),
})

await must(v1.auth.signup.post({ phone, name: 'Ada' }))
const { otp = '', challengeId } = await must(v1.auth['send-otp'].post({ phone }))
const login = await must(v1.auth['verify-otp'].post({ phone, otp, challengeId }))
token = login.token
console.log(`Hello ${login.user.name}, you have ${login.user.quota.remaining} prompts left today.`)

const { id } = await must(v1.chatroom.post({ title: 'Sums' }))
const { message } = v1.chatroom({ id })
// Sent again after a lost answer, the same key gives the same reply and costs nothing.
const headers = { 'idempotency-key': crypto.randomUUID() }
const { reply } = await must(message.post({ userPrompt: 'What is 2 + 2?' }, { headers }))
const answer = await must(message({ messageId: reply.id }).get({ query: { wait: '25' } }))
console.log(answer.content)

/** The data of an answer. @throws with what the problem says */
async function must<T>(answer: Promise<{ data: T; error: unknown }>): Promise<NonNullable<T>> {
  const { data, error } = await answer
  if (data === null || data === undefined) throw new Error('The server refused', { cause: error })
  return data
}
