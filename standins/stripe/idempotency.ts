import { ApiError, type StripeCall } from './behaviour.ts'

interface Kept {
  fingerprint: string
  /** Undefined while the first call still runs. */
  answer: { status: number; body: object } | undefined
}

export interface Answered {
  status: number
  body: object
  replayed: boolean
}

/** Keeps the answer of each key, errors included, and repeats it, as the real API does. */
export function createIdempotency() {
  const kept = new Map<string, Kept>()

  return async (
    call: StripeCall,
    run: () => Promise<{ status: number; body: object }>,
  ): Promise<Answered> => {
    const key = call.idempotencyKey
    if (key === undefined || call.method === 'GET') return { ...(await run()), replayed: false }
    const fingerprint = `${call.method} ${call.path} ${JSON.stringify(call.params)}`
    const before = kept.get(key)
    if (before) {
      if (before.fingerprint !== fingerprint) {
        throw new ApiError(400, 'This idempotency key came with other parameters before.', {
          type: 'idempotency_error',
        })
      }
      if (before.answer) return { ...before.answer, replayed: true }
      throw new ApiError(409, 'Another request with this idempotency key is under way.', {
        code: 'idempotency_key_in_use',
      })
    }
    const entry: Kept = { fingerprint, answer: undefined }
    kept.set(key, entry)
    const answer = await run()
    // The call was refused before it began, so the key is still unused.
    if (answer.status === 401 || answer.status === 429) kept.delete(key)
    else entry.answer = structuredClone(answer)
    return { ...answer, replayed: false }
  }
}
