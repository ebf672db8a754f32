import type { LiveReply } from '../messages/live.ts'
import type { Message } from '../messages/model.ts'
import type { PlacedMessage } from '../messages/queries.ts'

/** One event in the wire form of the WHATWG HTML standard, section 9.2. */
export function frame(id: string, event: string, data: unknown): string {
  return `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}

/** How long a client waits before it connects again. */
export const RETRY = 'retry: 2000\n\n'
export const HEARTBEAT = ': still here\n\n'

/** A message as it was when it was added: a reply was queued then, whatever its status is now. */
export function asAdded({ message }: PlacedMessage): Message {
  if (message.role === 'user') return message
  const { id, chatroomId, role, replyTo, version, createdAt } = message
  return {
    id,
    chatroomId,
    role,
    content: '',
    status: 'queued',
    replyTo,
    version,
    createdAt,
    completedAt: null,
  }
}

/** A stored text in the form of a growing one. */
export function storedText(text: string): Pick<LiveReply, 'length' | 'textFrom'> {
  return { length: text.length, textFrom: (offset) => text.slice(offset) }
}

/** Where a text may be cut at its end without splitting a surrogate pair. */
export function safeEnd(text: string): number {
  const last = text.charCodeAt(text.length - 1)
  return last >= 0xd800 && last <= 0xdbff ? text.length - 1 : text.length
}
