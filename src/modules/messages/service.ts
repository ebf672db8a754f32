import type { Database } from '#src/database/sqlite/open.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { ConnectionGuard } from '#src/lib/open-files.ts'
import { type Cursors, type Page, pageOf } from '#src/lib/page.ts'
import { invalid, notFound, Problem } from '#src/lib/problem.ts'
import type { Random } from '#src/lib/random.ts'
import { SECOND } from '#src/lib/time.ts'
import type { Answer, IdempotencyKey } from '#src/modules/idempotency/key.ts'
import { type Principal, unauthenticated } from '#src/plugins/auth.ts'
import { roomTopic } from '#src/plugins/topics.ts'
import { sentPrompt, toAnswer } from './acceptance.ts'
import { type AcceptDeps, createAccept, createRegenerate } from './commands.ts'
import type { Accepted, Exchange, Message } from './model.ts'
import { getLatest, getMessage, getPage, toMessage } from './queries.ts'
import { alreadyFinal, createCancelReply } from './reply-end.ts'
import { createWaits } from './wait.ts'

/** A worker of this process stops at once; one of another process at its next heartbeat. */
const CANCEL_WAIT_MS = 25 * SECOND

export interface MessageDeps extends AcceptDeps {
  database: Database
  clock: Clock
  random: Random
  cursors: Cursors
  /** True where the model alone cannot take the prompt. */
  isTooLarge: (prompt: string) => boolean
  isSessionAlive: (principal: Principal) => Promise<boolean>
  connections: ConnectionGuard
}

/** What a request brings besides its body. */
export interface RequestFacts {
  claim: IdempotencyKey | undefined
  trace: string | null
}

export interface Messages {
  /** @throws Problem 404, 409, 422, 429, 503 */
  accept(
    userId: string,
    roomId: string,
    text: string,
    facts: RequestFacts,
  ): Promise<Answer<Accepted>>
  /** @throws Problem 404, 409, 422, 429, 503 */
  regenerate(
    userId: string,
    roomId: string,
    messageId: string,
    facts: RequestFacts,
  ): Promise<Answer<Accepted>>
  /** Resolves when the reply is final. @throws Problem 401, 404, 409, 503 */
  cancel(principal: Principal, roomId: string, messageId: string): Promise<Message>
  /** @throws Problem 404 */
  latest(userId: string, roomId: string): Promise<Exchange>
  /** @throws Problem 400, 404 */
  page(
    userId: string,
    roomId: string,
    query: { limit: number; cursor: string | undefined; order: 'asc' | 'desc' },
  ): Promise<Page<Message>>
  /**
   * Waits up to `waitMs` for a reply to be final, and gives it as it then is. The wait ends early with `signal`.
   * @throws Problem 404, 401 where the session ended meanwhile, 503 where few connections are left to wait on
   */
  get(
    principal: Principal,
    roomId: string,
    messageId: string,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Message>
  /** Answers all waiting requests now, as the server stops. */
  endWaits(): void
}

export function createMessages(deps: MessageDeps): Messages {
  const { database, clock, random, cursors } = deps
  const accept = createAccept(deps)
  const regenerate = createRegenerate(deps)
  const cancel = createCancelReply(deps.queue)
  const waits = createWaits({ clock, notifications: database.notifications })

  async function get(
    principal: Principal,
    roomId: string,
    messageId: string,
    waitMs: number,
    signal?: AbortSignal,
  ): Promise<Message> {
    const { userId } = principal
    let hasWaited = false
    const find = async () => {
      if (hasWaited && !(await deps.isSessionAlive(principal))) throw unauthenticated()
      hasWaited = true
      const message = await database.read(getMessage, { userId, roomId, messageId })
      if (!message) throw notFound()
      return message
    }
    const isFinal = ({ completedAt }: Message) => completedAt !== null
    const first = await find()
    if (waitMs === 0 || isFinal(first)) return first
    const disconnected = deps.connections.admit()
    try {
      const topic = roomTopic(roomId)
      return await waits.until({ topic, read: find, test: isFinal, waitMs, signal })
    } finally {
      disconnected()
    }
  }

  return {
    get,
    endWaits: waits.end,
    async accept(userId, roomId, text, { claim, trace }) {
      if (deps.isTooLarge(text)) {
        throw invalid({ pointer: '/userPrompt', detail: 'is more than the model can take' })
      }
      const now = clock.now()
      const ids = { promptId: random.id(now), replyId: random.id(now) }
      const sent = { userId, roomId, text, claim, trace, now, ...ids }
      const accepted = await database.run(accept, sent)
      return toAnswer(roomId, {
        prompt: sentPrompt(sent),
        reply: { id: ids.replyId, promptId: ids.promptId, version: 1, createdAt: now },
        ...accepted,
      })
    },
    async regenerate(userId, roomId, messageId, { claim, trace }) {
      const now = clock.now()
      const replyId = random.id(now)
      const asked = { userId, roomId, messageId, replyId, claim, trace, now }
      return toAnswer(roomId, await database.run(regenerate, asked))
    },
    async cancel(principal, roomId, messageId) {
      await database.run(cancel, { userId: principal.userId, roomId, messageId })
      const message = await get(principal, roomId, messageId, CANCEL_WAIT_MS)
      if (message.completedAt === null) {
        throw new Problem(
          503,
          'cancel-pending',
          'The reply was asked to stop and will end soon; its worker has not answered yet.',
          {
            headers: { 'retry-after': '5' },
          },
        )
      }
      // The answer was whole before the stop reached it.
      if (message.status !== 'cancelled') throw alreadyFinal()
      return message
    },
    async latest(userId, roomId) {
      const exchange = await database.read(getLatest, { userId, roomId })
      if (!exchange) throw notFound()
      return exchange
    },
    async page(userId, roomId, { limit, cursor, order }) {
      const list = ['messages', userId, roomId, order] as const
      const after = cursor === undefined ? undefined : cursors.decode(list, cursor, ['number'])[0]
      const rows = await database.read(getPage, { userId, roomId, limit, after, order })
      if (!rows) throw notFound()
      return pageOf(
        rows,
        (row) => toMessage(row, roomId),
        ({ position }) => cursors.encode(list, [position]),
      )
    },
  }
}
