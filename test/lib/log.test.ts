import { expect, test } from 'bun:test'
import { t, ValidationError } from 'elysia'
import { createLog } from '#src/lib/log.ts'
import { prettyLines } from '#src/lib/log-pretty.ts'
import { byTick } from '#src/lib/log-ticks.ts'

function capture(options: { pretty?: boolean } = {}) {
  const lines: string[] = []
  const log = createLog('debug', { ...options, to: { write: (line) => lines.push(line) } })
  return { log, lines, entry: () => JSON.parse(lines.at(-1) ?? '') }
}

test('a line is one JSON object with a named level and an instant', () => {
  const { log, lines, entry } = capture()
  log.info({ job: 7 }, 'job done')
  expect(lines[0]).toEndWith('}\n')
  expect(entry()).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    job: 7,
    msg: 'job done',
  })
})

test('an error is logged without the fields a library hung on it', () => {
  const { log, lines, entry } = capture()
  const error = Object.assign(new Error('call failed'), {
    code: 'ECONNREFUSED',
    config: { headers: { authorization: 'Bearer very-secret' } },
    body: { password: 'hunter2' },
  })
  log.error({ err: error }, 'provider')
  expect(lines[0]).not.toContain('very-secret')
  expect(lines[0]).not.toContain('hunter2')
  expect(entry().err).toMatchObject({ type: 'Error', code: 'ECONNREFUSED', message: 'call failed' })
  expect(entry().err.stack).toContain('log.test.ts')
})

test('keys, tokens and phone numbers in a message are hidden, in its causes too', () => {
  const { log, lines } = capture()
  const cause = new Error('no user +1 202 555-0123, token eyJhbGciOi.eyJzdWIi.c2lnbmF0')
  // Put together here, so that no scanner takes them for real ones.
  const stripe = ['sk', 'test', '51AbCdEf'].join('_')
  const google = `AIza${'SyA-1234567890abcdef'}`
  log.error({ err: new Error(`key ${stripe} and ${google} refused`, { cause }) }, 'x')
  for (const secret of [stripe, google, '555-0123', 'eyJzdWIi']) {
    expect(lines[0]).not.toContain(secret)
  }
  expect(lines[0]).toContain('[phone]')
  expect(lines[0]).toContain('[key]')
})

test('a validation error and a failed query do not show what they were given', () => {
  const { log, lines } = capture()
  const schema = t.Object({ password: t.String({ maxLength: 3 }) })
  log.error({ err: new ValidationError('response', schema, { password: 'hunter2' }) }, 'x')
  log.error({ err: new Error('Failed query: select ?\nparams: hunter2,+12025550123') }, 'x')
  expect(lines.join('')).not.toContain('hunter2')
  expect(lines.join('')).toContain('the response does not match its schema')
})

test('what a provider quotes of a request it refuses is cut off, but for the one thing to know', () => {
  const { log, entry } = capture()
  const said = (text: string) => new Error(`Error fetching from x: [400 Bad Request] ${text}`)
  log.error({ err: said('cannot take "my prompt"') }, 'x')
  expect(entry().err.message).toBe('Error fetching from x: [400 Bad Request]')
  log.error({ err: said('API key not valid.') }, 'x')
  expect(entry().err.message).toEndWith('API key not valid.')
})

test('what is thrown need not be an error', () => {
  const { log, entry } = capture()
  log.error({ err: 'plain text' }, 'x')
  expect(entry().err.message).toBe('plain text')
  log.error({ err: { password: 'hunter2' } }, 'x')
  expect(entry().err.message).toBe('a thrown object')
})

test('in development a line is for a person', () => {
  const lines: string[] = []
  const plain = prettyLines({ write: (line) => lines.push(line) }, { colour: false })
  const log = createLog('info', { to: plain })
  log.info({ route: '/v1/chatroom/:id', status: 200, ms: 1.5 }, 'request')
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} INFO {2}request route=\/v1\/chatroom\/:id status=200 ms=1.5\n$/,
  )
  log.error({ err: new Error('outer', { cause: new Error('inner') }) }, 'failed')
  expect(lines[1]).toContain('ERROR failed\n    Error: outer\n')
  expect(lines[1]).toContain('caused by Error: inner')
  plain.write('not json\n')
  expect(lines[2]).toBe('not json\n')
})

test('the lines of one turn are written together, a warning at once and in its order', async () => {
  const writes: string[] = []
  const log = createLog('debug', { to: byTick({ write: (text) => writes.push(text), end() {} }) })
  log.info('one')
  log.info('two')
  expect(writes).toEqual([])
  await new Promise((resolve) => setImmediate(resolve))
  expect(writes.map((text) => text.match(/"msg":"(\w+)"/g))).toEqual([
    ['"msg":"one"', '"msg":"two"'],
  ])
  log.info('three')
  log.warn('four')
  expect(writes).toHaveLength(2)
  expect(writes[1]).toMatch(/three.*\n.*four.*\n$/)
})

test('a process that ends at once has written its lines', () => {
  const program =
    "import { createLog } from '#src/lib/log.ts'; createLog('info').info('last words'); process.exit(3)"
  const ended = Bun.spawnSync([process.execPath, '-e', program], {
    cwd: `${import.meta.dir}/../..`,
  })
  expect(ended.exitCode).toBe(3)
  expect(ended.stdout.toString()).toContain('last words')
})

test('a process that ends at once waits for a slow reader of its lines', () => {
  // More than a pipe holds.
  const program =
    "import { createLog } from '#src/lib/log.ts'; const log = createLog('info'); for (let n = 0; n < 3000; n++) log.info('one of many'); process.exit(0)"
  const command = '"$0" -e "$1" | (sleep 0.4; grep -c "one of many")'
  const read = Bun.spawnSync(['bash', '-c', command, process.execPath, program], {
    cwd: `${import.meta.dir}/../..`,
  })
  expect(read.stdout.toString()).toBe('3000\n')
})

test('an uncaught error does not swallow the lines before it', () => {
  const program =
    "import { createLog } from '#src/lib/log.ts'; createLog('info').info('last words'); throw new Error('no')"
  const ended = Bun.spawnSync([process.execPath, '-e', program], {
    cwd: `${import.meta.dir}/../..`,
  })
  expect(ended.exitCode).toBe(1)
  expect(ended.stdout.toString()).toContain('last words')
})
