import { expect, test } from 'bun:test'
import { createLogOutput } from '#src/lib/log-output.ts'
import { createFakeClock } from '#test/support/fake-clock.ts'

/** A pipe with so much room, which its reader makes anew by taking what is there. */
function createPipe(room: number) {
  let held = Buffer.alloc(0)
  let fault = 'EAGAIN'
  let isBroken = false
  return {
    write(bytes: Uint8Array): number {
      const taken = isBroken ? 0 : Math.min(bytes.length, room - held.length)
      if (taken === 0) throw Object.assign(new Error(fault), { code: fault })
      held = Buffer.concat([held, bytes.subarray(0, taken)])
      return taken
    },
    read(): string {
      const text = held.toString()
      held = Buffer.alloc(0)
      return text
    },
    fail(code: string | undefined) {
      isBroken = code !== undefined
      fault = code ?? 'EAGAIN'
    },
  }
}

function start(room: number) {
  const pipe = createPipe(room)
  const clock = createFakeClock()
  return { pipe, clock, output: createLogOutput({ write: pipe.write, clock }) }
}

test('a line goes out at once, and what has no room later, whole and in its order', async () => {
  const { pipe, clock, output } = start(10)
  output.write('first\n')
  expect(pipe.read()).toBe('first\n')
  output.write('sécond line\n')
  output.write('third\n')
  let read = pipe.read()
  expect(Buffer.byteLength(read)).toBe(10)
  for (let times = 0; times < 3; times++) {
    await clock.advance(20)
    read += pipe.read()
  }
  expect(read).toBe('sécond line\nthird\n')
  expect(clock.timers()).toEqual([])
  output.write('fourth\n')
  expect(pipe.read()).toBe('fourth\n')
})

test('a reader that is back is soon caught up with', async () => {
  const { pipe, clock, output } = start(1_000)
  for (let count = 0; count < 100; count++) output.write(`${'x'.repeat(999)}\n`)
  await clock.advance(200)
  let read = pipe.read()
  await clock.advance(20)
  for (let ms = 0; ms < 100; ms++) {
    read += pipe.read()
    await clock.advance(1)
  }
  expect(read).toHaveLength(100_000)
})

test('what nobody reads is kept up to 8 MB; how much more was lost is told when somebody does', async () => {
  const { pipe, clock, output } = start(1_000)
  const line = `${'x'.repeat(999)}\n`
  for (let count = 0; count < 9_000; count++) output.write(line)
  let read = ''
  while (clock.timers().length > 0) {
    read += pipe.read()
    await clock.advance(20)
  }
  read += pipe.read()
  const lines = read.trimEnd().split('\n')
  const last = JSON.parse(lines.pop() ?? '')
  // The first thousand bytes went in at once.
  expect(lines).toHaveLength(1 + Math.floor((8 * 1024 * 1024) / 1_000))
  expect(new Set(lines)).toEqual(new Set([line.trimEnd()]))
  expect(last).toMatchObject({ level: 'warn', lines: 9_000 - lines.length })
  expect(last.msg).toContain('lost')
})

test.each(['EPIPE', 'EBADF'])('a full disk may pass, %s does not', async (fault) => {
  const { pipe, clock, output } = start(100)
  pipe.fail('ENOSPC')
  output.write('one\n')
  await clock.advance(40)
  pipe.fail(undefined)
  await clock.advance(20)
  expect(pipe.read()).toBe('one\n')
  pipe.fail(fault)
  output.write('two\n')
  pipe.fail(undefined)
  output.write('three\n')
  await clock.advance(40)
  expect(pipe.read()).toBe('')
  expect(clock.timers()).toEqual([])
})

test('the end of the process waits for the reader, but not for ever', () => {
  const clock = createFakeClock()
  const pipe = createPipe(4)
  let read = ''
  const slow = createLogOutput({ write: pipe.write, clock, sleep: () => (read += pipe.read()) })
  slow.write('last words\n')
  slow.end()
  expect(read + pipe.read()).toBe('last words\n')

  let slept = 0
  const sleep = (ms: number) => {
    slept += ms
  }
  const stuck = createLogOutput({ write: pipe.write, clock, sleep })
  stuck.write('last words\n')
  stuck.end()
  expect(slept).toBe(1_000)
  expect(pipe.read()).toBe('last')
})
