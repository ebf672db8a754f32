import { MINUTE } from '#src/lib/time.ts'
import type { CodeSent } from '#src/plugins/schemas.ts'
import { createAccountApp, PASSWORD, PHONE } from './test-accounts.ts'
import { json } from './test-app.ts'

/** Listens on a socket, behind a proxy that is trusted to name the client's address. */
export const BEHIND_PROXY = { trustedProxies: ['127.0.0.1'] }

type App = Pick<ReturnType<typeof createAccountApp>, 'app'>

/** Lets a test send requests from any address: `await using networks = listen(app)` of an app {@link BEHIND_PROXY}. */
export function listen({ app }: App) {
  app.listen({ port: 0, hostname: '127.0.0.1' })
  const request = (
    ip: string,
    method: string,
    path: string,
    { token, body }: { token?: string | undefined; body?: object } = {},
  ) =>
    fetch(`http://127.0.0.1:${app.server?.port}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': ip,
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify(body ?? {}),
    })
  return {
    request,
    /** POSTs below /v1/auth as a client with this address. */
    from: (ip: string) => (path: string, body: object, token?: string) =>
      request(ip, 'POST', `/v1/auth/${path}`, { token, body }),
    async [Symbol.asyncDispose]() {
      await app.stop(true)
    },
  }
}

const OWNER = '198.51.100.1'
const STRANGER = '203.0.113.66'

/** The owner and a stranger, each at their own address. The account has a password where `password` is true. */
export async function createOwnerAndStranger({
  password = false,
  ...settings
}: { password?: boolean } & Parameters<typeof createAccountApp>[0] = {}) {
  const app = createAccountApp({ ...BEHIND_PROXY, otpPerNumberDay: 100, ...settings })
  const networks = listen(app)
  const owner = networks.from(OWNER)
  const stranger = networks.from(STRANGER)
  const ask = async (who: typeof owner, path = 'send-otp', more = {}) => {
    // A longer wait than that for the next code is not waited for.
    for (let waitedMs = 0; waitedMs <= 11 * MINUTE; waitedMs += MINUTE) {
      const answer = await who(path, { phone: PHONE, ...more })
      if (answer.status === 202) return json<CodeSent & { otp: string }>(answer)
      if (answer.status !== 429) throw new Error(`${path} answered ${answer.status}`)
      await app.clock.advance(MINUTE)
    }
    throw new Error('no code to be had')
  }
  const slug = async (answer: Promise<Response>) => {
    const response = await answer
    return response.ok ? response.status : app.slug(response)
  }
  const logIn = (who: typeof owner, body: object) => who('verify-otp', { phone: PHONE, ...body })
  await owner('signup', { phone: PHONE, ...(password ? { password: PASSWORD } : {}) })
  if (password) {
    const { otp, challengeId } = await ask(owner, 'send-otp', { password: PASSWORD })
    await logIn(owner, { otp, challengeId })
  }
  return { ...app, networks, owner, stranger, ask, slug, logIn }
}
