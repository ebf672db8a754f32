import { call } from '#test/support/client.ts'

export interface Person {
  phone: string
  /** Address that the proxy reports for this person. */
  address: string
  password?: string
}

export interface Signed {
  status: number
  token: string
  refreshToken: string
}

/** Signs up, asks for a code, reads it from the stand-in of the SMS gateway and proves the number. */
export async function signIn(url: string, outside: string, person: Person): Promise<Signed> {
  const { phone, address, password } = person
  const headers = { 'x-forwarded-for': address }
  const secret = password === undefined ? {} : { password }
  const post = <T>(path: string, body: object) => call<T>(url, 'POST', path, { body, headers })
  const refused = (status: number) => ({ status, token: '', refreshToken: '' })
  const since = Date.now()
  const signedUp = await post('/v1/auth/signup', { phone, ...secret })
  if (signedUp.status !== 202) return refused(signedUp.status)
  const sent = await post<{ challengeId?: string }>('/v1/auth/send-otp', { phone, ...secret })
  if (sent.status !== 202 && sent.status !== 200) return refused(sent.status)
  const { body } = await call<{ code: string }>(
    outside,
    'GET',
    `/code?phone=${encodeURIComponent(phone)}&since=${since}`,
  )
  // Servers older than the challenge handle do not return one.
  const handle = sent.body.challengeId
  const verified = await post<{ token?: string; refreshToken?: string }>('/v1/auth/verify-otp', {
    phone,
    otp: body.code,
    ...secret,
    ...(handle === undefined ? {} : { challengeId: handle }),
  })
  const { token = '', refreshToken = '' } = verified.body
  return { status: verified.status, token, refreshToken }
}
