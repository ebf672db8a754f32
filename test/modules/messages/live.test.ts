import { expect, test } from 'bun:test'
import { createNotifications } from '#src/database/notifications.ts'
import { createLiveReplies } from '#src/modules/messages/live.ts'

test('a live text can be read from any offset', () => {
  const replies = createLiveReplies(createNotifications())
  const writer = replies.start('room', { replyId: 'reply', position: 2, attempt: 1 })
  const live = replies.get('room')
  expect(live?.textFrom(0)).toBe('')
  const pieces = ['Hel', '', 'lo ', 'w', 'orld']
  for (const piece of pieces) writer.append(piece)
  const whole = pieces.join('')
  expect(live).toMatchObject({ replyId: 'reply', position: 2, attempt: 1, length: whole.length })
  for (let at = 0; at <= whole.length; at++) expect(live?.textFrom(at)).toBe(whole.slice(at))
})
