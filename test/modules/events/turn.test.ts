import { expect, test } from 'bun:test'
import { createNotifications } from '#src/database/notifications.ts'
import { noMeters } from '#src/lib/meters.ts'
import { createEventHub } from '#src/modules/events/hub.ts'
import { roomTopic, userTopic } from '#src/plugins/topics.ts'
import { createFakeClock } from '#test/support/fake-clock.ts'

test('a reader is told what a commit stored once, after the job it made ready has begun; a piece of text at once', async () => {
  const order: string[] = []
  const notifications = createNotifications()
  const hub = createEventHub({ notifications, clock: createFakeClock(0), meters: noMeters })
  const body = hub.open({
    roomId: 'room',
    userId: 'user',
    isAllowed: () => true,
    reader: {
      next() {
        order.push('read')
        return ''
      },
      markStored: () => order.push('stored'),
      markQuota: () => order.push('quota'),
    },
  })
  const stream = body.getReader()
  await stream.read()
  order.length = 0
  notifications.publish(roomTopic('room'), 'stored')
  notifications.publish(userTopic('user'), 'quota')
  void Promise.resolve().then(() => order.push('the job'))
  await new Promise<void>((resolve) => setImmediate(resolve))
  expect(order).toEqual(['stored', 'quota', 'the job', 'read'])
  notifications.publish(roomTopic('room'), 'live')
  expect(order.at(-1)).toBe('read')
  expect(order).toHaveLength(5)
  await stream.cancel()
})
