import fc from 'fast-check'
import { accountProblems } from '#src/lib/problems/account.ts'
import type { JsonSchema, MediaType, OpenApi } from '#src/plugins/docs/types.ts'
import { documentOf } from '#src/plugins/docs.ts'
import { json } from './test-app.ts'
import { createWholeApp } from './whole-app.ts'

interface Shot {
  method: string
  path: string
  token: boolean
  body: unknown
  headers: Record<string, string>
}

/** What no answer may hold: words of our insides. */
const LEAKS = /SQLITE|node_modules|\.ts:\d|at \/|SELECT |argon2|TypeError|RangeError|passwordHash/

/** Faults that are honest: the server says that it cannot now. */
const HONEST = [503]

/**
 * Shoots at every route what its document describes and what it does not. Each answer is held against the
 * document by the test app itself; none may be a fault of ours, and none may tell of our insides.
 * @returns how many shots were made; throws with the seed and the smallest shot that fails
 */
export async function fuzz({ seed, shots }: { seed: number; shots: number }): Promise<number> {
  const most = 1_000_000
  // Limits off: behind them nothing would be shot at.
  const app = createWholeApp({
    argon2MemoryKib: 8,
    argon2Passes: 1,
    authPerIpMinute: most,
    otpPerIpHour: most,
    smsHourlyBudget: most,
    basicDailyPrompts: most,
    promptsPerMinute: most,
    maxPendingPrompts: most,
  })
  const document = await documentOf(app.app)
  const { token } = await app.signIn()
  const room = await json<{ id: string }>(app.send('POST', '/v1/chatroom', { token }))
  const ids = [room.id, 'x', '%00', '..%2f', "'", '01890000-0000-7000-8000-000000000000']
  let made = 0
  await fc.assert(
    fc.asyncProperty(
      shotAt(document, ids),
      async ({ method, path, token: signed, body, headers }) => {
        made++
        const answer = await app.send(method, path, {
          token: signed ? token : undefined,
          body,
          headers,
        })
        const streams = answer.headers.get('content-type')?.startsWith('text/event-stream')
        const text = streams ? '' : await answer.text()
        await answer.body?.cancel().catch(() => {})
        if (answer.status >= 500 && !HONEST.includes(answer.status)) {
          throw new Error(`${method} ${path} answered ${answer.status}`)
        }
        const documents = /^\/(swagger|problems|metrics)/.test(path)
        if (!documents && LEAKS.test(text)) throw new Error(`${method} ${path} leaks: ${text}`)
      },
    ),
    { seed, numRuns: shots },
  )
  return made
}

function shotAt(document: OpenApi, ids: string[]): fc.Arbitrary<Shot> {
  const targets = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      // A deleted account would make every later shot a stranger's.
      .filter(
        ([method]) => !(method === 'delete' && path === '/v1/user/me') && !path.endsWith('/logout'),
      )
      .map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  return fc.constantFrom(...targets).chain(({ path, method, operation }) => {
    const media: MediaType | undefined = operation.requestBody?.content?.['application/json']
    const described = media ? fromSchema(media.schema, document) : fc.constant(undefined)
    const body =
      method === 'GET'
        ? fc.constant(undefined)
        : fc.oneof({ weight: 3, arbitrary: described }, anything)
    const segments = fc.array(fc.constantFrom(...ids), { minLength: 3, maxLength: 3 })
    return fc
      .record({ body, token: fc.boolean(), segments, query: fc.option(query), headers })
      .map(({ segments: [first = '', second = '', third = ''], query: asked, ...rest }) => {
        const [one, two] = [first, second]
        let at = 0
        const filled = path.replaceAll(/\{\w+\}/g, () => [one, two, third][at++] ?? third)
        return { ...rest, method, path: asked === null ? filled : `${filled}?${asked}` }
      })
  })
}

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 300 }),
  fc.constantFrom(
    '\0',
    '\ud800',
    '+4930901820',
    '000000',
    '‮',
    '" OR *',
    ...Object.keys(accountProblems),
  ),
)
/** Valid JSON of any shape, and bytes that are none. */
const anything = fc.oneof(
  fc.json({ maxDepth: 4 }),
  fc.json({ maxDepth: 1 }).map((valid) => valid.slice(0, -1)),
  fc.uint8Array({ maxLength: 60 }),
  fc.dictionary(
    fc.constantFrom('__proto__', 'toString', 'constructor', 'phone', 'otp'),
    fc.jsonValue(),
  ),
)
const query = fc
  .tuple(fc.constantFrom('limit', 'cursor', 'q', 'order', 'wait', 'zz'), text)
  .map(([name, value]) => `${name}=${encodeURIComponent(value.toWellFormed())}`)
const headers = fc
  .dictionary(
    fc.constantFrom(
      'idempotency-key',
      'x-request-id',
      'last-event-id',
      'x-forwarded-for',
      'traceparent',
    ),
    fc.string({ maxLength: 30 }).filter((value) => value === value.trim()),
    { maxKeys: 2 },
  )
  .map((given): Record<string, string> => ({ ...given }))

/** Mostly what the schema asks for; now and then a member of another type, or one too many. */
function fromSchema(schema: JsonSchema, document: OpenApi): fc.Arbitrary<unknown> {
  const name = schema.$ref?.split('/').at(-1)
  const known = name === undefined ? schema : document.components.schemas[name]
  const entries = Object.entries(known?.properties ?? {}).map(([field, part]) => {
    const right = fc.constantFrom(
      ...(part.examples ?? ['000000', '+4930901820', 'seven oaks under a lantern']),
    )
    return [field, fc.oneof({ weight: 4, arbitrary: right }, text, fc.jsonValue())] as const
  })
  const record = fc.record(Object.fromEntries(entries), { requiredKeys: [] })
  const examples = known?.examples ?? []
  if (examples.length === 0) return record
  return fc
    .tuple(fc.constantFrom(...examples), record)
    .map(([example, changes]) => ({ ...Object(example), ...changes }))
}
