import { expect, test } from 'bun:test'
import { createNotifications } from '#src/database/notifications.ts'
import { silentLog } from '#src/lib/log.ts'
import { noMeters } from '#src/lib/meters.ts'
import { createEventHub } from '#src/modules/events/hub.ts'
import { roomTopic, userTopic } from '#src/plugins/topics.ts'
import { createFakeClock } from '#test/support/fake-clock.ts'

const connections = { admit: () => () => {} }

test('a commit is read once, after the job that it made ready has begun; a piece of text is read at once', async () => {
  const order: string[] = []
  const notifications = createNotifications()
  const hub = createEventHub({
    notifications,
    clock: createFakeClock(0),
    meters: noMeters,
    log: silentLog,
    perUser: 10,
    connections,
  })
  const body = hub.open({
    roomId: 'room',
    userId: 'user',
    isAllowed: async () => true,
    reader: {
      async next() {
        order.push('read')
        return ''
      },
      markStored: () => order.push('stored'),
      markQuota: () => order.push('quota'),
    },
  })
  const stream = body.getReader()
  await stream.read()
  await new Promise<void>((resolve) => setImmediate(resolve))
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

test('a stream whose read fails is dropped and logged, and other streams go on', async () => {
  const told: unknown[] = []
  const notifications = createNotifications(() => expect.unreachable())
  const log = { error: (...args: unknown[]) => void told.push(args) }
  const clock = createFakeClock(0)
  const hub = createEventHub({
    notifications,
    clock,
    meters: noMeters,
    log,
    perUser: 10,
    connections,
  })
  const open = (next: () => Promise<string>) =>
    hub
      .open({
        ...{ roomId: 'room', userId: 'user', isAllowed: async () => true },
        reader: { next, markStored() {}, markQuota() {} },
      })
      .getReader()
  let isFaulty = false
  const broken = open(async () => {
    if (isFaulty) throw new Error('disk I/O error')
    return ''
  })
  const frames = ['', '', 'data: hello\n\n']
  const fine = open(async () => frames.shift() ?? '')
  for (const stream of [broken, fine]) await stream.read()
  isFaulty = true
  notifications.publish(roomTopic('room'), 'live')
  expect(await broken.read().catch(() => 'cut')).toBe('cut')
  expect(hub.size).toBe(1)
  expect(told).toEqual([[{ err: new Error('disk I/O error') }, 'a stream failed']])
  notifications.publish(roomTopic('room'), 'live')
  expect(new TextDecoder().decode((await fine.read()).value)).toBe('data: hello\n\n')
  await fine.cancel()
})

test('of the streams of one user that lag behind, one reads per tick of the event loop', async () => {
  const hub = createEventHub({
    notifications: createNotifications(),
    clock: createFakeClock(0),
    meters: noMeters,
    log: silentLog,
    perUser: 10,
    connections,
  })
  const read: string[] = []
  const follow = async (userId: string) => {
    let left = 4
    const reader = {
      next: async () => {
        if (left-- <= 0) return ''
        read.push(userId)
        return 'data: x\n\n'
      },
      markStored() {},
      markQuota() {},
    }
    const body = hub
      .open({ roomId: 'room', userId, isAllowed: async () => true, reader })
      .getReader()
    for (let pieces = 0; pieces < 5; pieces++) await body.read()
  }
  const readByOne: number[] = []
  const all = Promise.all([follow('one'), follow('one'), follow('two')])
  for (let turn = 0; turn < 8; turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve))
    readByOne.push(read.filter((userId) => userId === 'one').length)
  }
  await all
  // One before the first turn that was counted, and one in each.
  for (const [turn, count] of readByOne.entries()) expect(count).toBeLessThanOrEqual(turn + 2)
  // The other user's stream waits for none of them.
  expect(read.lastIndexOf('two')).toBeLessThan(read.lastIndexOf('one'))
  expect(read).toHaveLength(12)
})

test('a stream reads once at a time, and again for what changed meanwhile', async () => {
  const notifications = createNotifications()
  const hub = createEventHub({
    notifications,
    clock: createFakeClock(0),
    meters: noMeters,
    log: silentLog,
    perUser: 10,
    connections,
  })
  const reads: PromiseWithResolvers<string>[] = []
  let running = 0
  let mostRunning = 0
  const stream = hub
    .open({
      ...{ roomId: 'room', userId: 'user', isAllowed: async () => true },
      reader: {
        async next() {
          mostRunning = Math.max(mostRunning, ++running)
          const read = Promise.withResolvers<string>()
          reads.push(read)
          return read.promise.finally(() => running--)
        },
        markStored() {},
        markQuota() {},
      },
    })
    .getReader()
  const tick = () => new Promise<void>((resolve) => setImmediate(resolve))
  await stream.read()
  await tick()
  for (let piece = 0; piece < 3; piece++) notifications.publish(roomTopic('room'), 'live')
  notifications.publish(roomTopic('room'), 'stored')
  await tick()
  expect(reads).toHaveLength(1)
  reads[0]?.resolve('')
  await tick()
  expect(reads).toHaveLength(2)
  reads[1]?.resolve('data: hello\n\n')
  expect(new TextDecoder().decode((await stream.read()).value)).toBe('data: hello\n\n')
  expect(mostRunning).toBe(1)
  await stream.cancel()
  for (const read of reads) read.resolve('')
})

test('a read that is overtaken by the end of its stream is neither sent nor logged', async () => {
  const logged: unknown[] = []
  const hub = createEventHub({
    notifications: createNotifications(),
    clock: createFakeClock(0),
    meters: noMeters,
    log: { error: (...args: unknown[]) => void logged.push(args) },
    perUser: 10,
    connections,
  })
  for (const end of ['resolve', 'reject'] as const) {
    const read = Promise.withResolvers<string>()
    const stream = hub
      .open({
        ...{ roomId: 'room', userId: 'user', isAllowed: async () => true },
        reader: { next: () => read.promise, markStored() {}, markQuota() {} },
      })
      .getReader()
    await stream.read()
    await new Promise<void>((resolve) => setImmediate(resolve))
    hub.close()
    if (end === 'resolve') read.resolve('data: late\n\n')
    else read.reject(new Error('Cannot use a closed database'))
    expect(await stream.read()).toEqual({ done: true, value: undefined })
  }
  expect(logged).toEqual([])
  expect(hub.size).toBe(0)
})
