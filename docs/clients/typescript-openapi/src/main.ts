/**
 * Signs up, logs in, asks one question and prints the answer: `bun start <url> <phone>`.
 * The server must run with OTP_DELIVERY=response, as it does in development.
 */
import createClient, { type Middleware } from 'openapi-fetch'
import type { components, paths } from './pollux.d.ts'

type Problem = components['schemas']['Problem']

const [baseUrl = 'http://127.0.0.1:3000', phone = '+4930901820'] = process.argv.slice(2)
const pollux = createClient<paths>({ baseUrl })

await must(pollux.POST('/v1/auth/signup', { body: { phone, name: 'Ada' } }))
const { otp = '', challengeId } = await must(pollux.POST('/v1/auth/send-otp', { body: { phone } }))
const { token, user } = await must(
  pollux.POST('/v1/auth/verify-otp', { body: { phone, otp, challengeId } }),
)
pollux.use(bearer(token))
console.log(`Hello ${user.name}, you have ${user.quota.remaining} prompts left today.`)

const room = await must(pollux.POST('/v1/chatroom', { body: { title: 'Sums' } }))
const id = room.id
const { reply } = await must(
  pollux.POST('/v1/chatroom/{id}/message', {
    params: {
      path: { id },
      // Sent again after a lost answer, the same key gives the same reply and costs nothing.
      header: { 'Idempotency-Key': crypto.randomUUID() },
    },
    body: { userPrompt: 'What is 2 + 2?' },
  }),
)
const answer = await must(
  pollux.GET('/v1/chatroom/{id}/message/{messageId}', {
    params: { path: { id, messageId: reply.id }, query: { wait: '25' } },
  }),
)
console.log(answer.content)

/** The data of an answer. @throws with what the problem says */
async function must<T>(answer: Promise<{ data?: T; error?: Problem }>): Promise<T> {
  const { data, error } = await answer
  if (data === undefined) throw new Error(error ? `${error.title}: ${error.detail}` : 'No answer')
  return data
}

function bearer(token: string): Middleware {
  return {
    onRequest: ({ request }) => request.headers.set('authorization', `Bearer ${token}`),
  }
}
