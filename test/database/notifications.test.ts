import { expect, test } from 'bun:test'
import { createNotifications } from '#src/database/notifications.ts'

test('a listener that throws costs neither its neighbours nor the caller anything', () => {
  const faults: unknown[] = []
  const notifications = createNotifications((error, topic) => faults.push([error, topic]))
  const heard: unknown[] = []
  const error = new Error('listener')
  notifications.subscribe('t', () => {
    throw error
  })
  const stop = notifications.subscribe('t', (payload) => heard.push(payload))
  notifications.publish('t', 1)
  stop()
  notifications.publish('t', 2)
  notifications.publish('nobody listens', 3)
  expect(heard).toEqual([1])
  expect(faults).toEqual([
    [error, 't'],
    [error, 't'],
  ])
})
