import type { JobEnd, JobKind, ProviderLimit } from '#src/queue/job.ts'
import type { Quotas } from '../quota/service.ts'
import { REPLY_KIND } from './commands.ts'
import { answerPrompt, type ReplyDeps } from './reply.ts'
import { cancelledEnd, type ReplyEnd } from './reply-end.ts'

interface ReplyBody {
  replyId: string
}

/** Job kind `message.reply`: makes one reply. Its concurrency key is that of the room, its owner the user. */
export function reply(
  deps: ReplyDeps & {
    concurrency: number
    provider: ProviderLimit
    quotas: Pick<Quotas, 'beforeRetry'>
  },
): JobKind<ReplyBody> {
  return {
    kind: REPLY_KIND,
    concurrency: deps.concurrency,
    provider: deps.provider,
    beforeRetry: deps.quotas.beforeRetry,
    parse: parseReplyBody,
    run: (job, signal) => answerPrompt(deps, job, signal),
    *ended(tx, job, end) {
      const cancelled = cancelledEnd(job.body.replyId, deps.clock.now())
      const failed: ReplyEnd = { ...cancelled, status: 'failed', error: explain(end) }
      yield* deps.end.steps(tx, end.state === 'cancelled' ? cancelled : failed)
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
