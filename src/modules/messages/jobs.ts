import type { JobEnd, JobKind } from '#src/queue/job.ts'
import type { ProviderLimit } from '#src/queue/provider.ts'
import { answerPrompt, type ReplyDeps } from './reply.ts'
import { REPLY_KIND } from './sqlite/accept.ts'
import { cancelledEnd } from './sqlite/end.ts'

interface ReplyBody {
  replyId: string
}

/** Job kind `message.reply`: makes one reply. Its lane is the room, its owner the user. */
export function reply(
  deps: ReplyDeps & {
    concurrency: number
    provider: ProviderLimit
    /** Counts another try of the user; see the quota module. */
    beforeRetrySync: NonNullable<JobKind['beforeRetrySync']>
  },
): JobKind<ReplyBody> {
  return {
    kind: REPLY_KIND,
    concurrency: deps.concurrency,
    provider: deps.provider,
    beforeRetrySync: deps.beforeRetrySync,
    parse: parseReplyBody,
    run: (job, signal) => answerPrompt(deps, job, signal),
    endedSync(tx, job, end) {
      const base = cancelledEnd(job.body.replyId, deps.clock.now())
      if (end.state === 'cancelled') tx.run(deps.store.end, base)
      else tx.run(deps.store.end, { ...base, status: 'failed', error: explain(end) })
    },
  }
}

function parseReplyBody(body: unknown): ReplyBody {
  if (
    typeof body === 'object' &&
    body !== null &&
    'replyId' in body &&
    typeof body.replyId === 'string'
  ) {
    return { replyId: body.replyId }
  }
  throw new TypeError('A message.reply job needs a replyId')
}

/** Why there is no answer, in words that are safe to show and help a person. */
function explain({ cause, code }: JobEnd): { code: string; message: string } {
  if (cause === 'lost') {
    return {
      code: 'interrupted',
      message: 'The server was interrupted too often while answering. Please ask again.',
    }
  }
  if (code === 'starts-exhausted') {
    return {
      code,
      message: 'The assistant failed, and your account has no further tries today.',
    }
  }
  if (code === 'provider-key') {
    return {
      code: 'assistant-misconfigured',
      message: 'The assistant is not set up correctly. The operator has been told.',
    }
  }
  if (cause === 'deadline') {
    return {
      code: 'too-late',
      message: 'The assistant could not answer in time. Please ask again later.',
    }
  }
  if (code.startsWith('provider-') && code !== 'provider-exhausted') {
    return { code: 'assistant-refused', message: 'The assistant cannot answer this request.' }
  }
  return {
    code: 'assistant-unavailable',
    message: 'The assistant is not available at the moment. Please ask again later.',
  }
}
