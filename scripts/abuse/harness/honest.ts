/**
 * The honest users, in a process that does little else, so that no other load delays what is measured: twenty
 * people who read at a steady rate whether or not earlier answers have come, prompt within their quota and listen
 * to the stream of their room. Once a second someone new signs up and logs in. The same requests go to an idle
 * server beside it, which shows what the machine itself costs.
 */
import type { Room } from '#src/modules/chatrooms/model.ts'
import { call } from '#test/support/client.ts'
import { readEvents } from '#test/support/sse.ts'
import { signIn } from './sign-in.ts'

export interface HonestOrder {
  url: string
  outside: string
  neighbour: string
}

export type HonestMessage = { is: 'start'; order: HonestOrder } | { is: 'report' }

/** Since the last report. Times in milliseconds, sorted. */
export interface HonestReport {
  gets: number[]
  neighbourGets: number[]
  /** From the acceptance of a prompt to the end of its reply on the stream. */
  replies: number[]
  /** Answers that an honest user must not get, by what was asked and the status. */
  faults: [string, number][]
  logins: { tried: number; ok: number }
  prompts: { accepted: number; answered: number }
  streamsLost: number
}

const PEOPLE = 20
const READS_PER_SECOND = 100
/** Within five a day, over an attack of ten seconds. */
const PROMPT_EVERY_MS = 2_200
const PROMPTS_EACH = 5

interface User {
  token: string
  address: string
  room: string
  prompts: number
}

let state = fresh()
const promptedAt = new Map<string, number>()
const users: User[] = []
let newcomers = 0

process.on('message', async (message: HonestMessage) => {
  if (message.is === 'report') {
    const sorted = (values: number[]) => values.sort((a, b) => a - b)
    const report: HonestReport = {
      ...state,
      faults: [...state.faults],
      gets: sorted(state.gets),
      neighbourGets: sorted(state.neighbourGets),
      replies: sorted(state.replies),
    }
    process.send?.(report)
    state = fresh()
    return
  }
  await start(message.order)
  process.send?.('ready')
})

async function start(order: HonestOrder): Promise<void> {
  for (let at = 0; at < PEOPLE; at++) users.push(await join(order, at))
  for (const user of users) void listen(order, user)
  let reads = 0
  const startedAt = performance.now()
  setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * READS_PER_SECOND
    while (reads < due) void read(order, reads++)
  }, 2)
  setInterval(() => void logIn(order), 1_000)
  users.forEach((user, at) => {
    setTimeout(
      () => setInterval(() => void prompt(order, user), PROMPT_EVERY_MS),
      (PROMPT_EVERY_MS / PEOPLE) * at,
    )
  })
}

async function join(order: HonestOrder, at: number): Promise<User> {
  const address = `198.51.100.${at + 1}`
  const signed = await signIn(order.url, order.outside, { phone: phone(at), address })
  if (signed.token === '') throw new Error(`An honest user cannot sign in: ${signed.status}`)
  const headers = { 'x-forwarded-for': address }
  const { token } = signed
  const made = await call<Room>(order.url, 'POST', '/v1/chatroom', { token, headers, body: {} })
  return { token, address, room: made.body.id, prompts: 0 }
}

async function read({ url, neighbour }: HonestOrder, turn: number): Promise<void> {
  const user = users[turn % users.length]
  if (!user) return
  const paths = [
    '/v1/user/me',
    '/v1/chatroom',
    `/v1/chatroom/${user.room}/message`,
    `/v1/chatroom/${user.room}/message/all?limit=50`,
  ]
  const path = paths[Math.floor(turn / users.length) % paths.length] ?? ''
  const startedAt = performance.now()
  const status = await get(`${url}${path}`, user)
  state.gets.push(performance.now() - startedAt)
  if (status !== 200) fault('GET', status)
  const besideAt = performance.now()
  await get(neighbour, user)
  state.neighbourGets.push(performance.now() - besideAt)
}

async function get(url: string, { token, address }: User): Promise<number | string> {
  try {
    const response = await fetch(url, {
      headers: { authorization: `Bearer ${token}`, 'x-forwarded-for': address },
      signal: AbortSignal.timeout(10_000),
    })
    await response.arrayBuffer()
    return response.status
  } catch (error) {
    return error instanceof Error ? error.name : 'lost'
  }
}

async function prompt({ url }: HonestOrder, user: User): Promise<void> {
  if (user.prompts === PROMPTS_EACH) return
  user.prompts++
  const answer = await call<{ reply: { id: string } }>(
    url,
    'POST',
    `/v1/chatroom/${user.room}/message`,
    {
      token: user.token,
      headers: { 'x-forwarded-for': user.address },
      body: { userPrompt: 'What should I pack for Bergen in November?' },
    },
  ).catch(() => undefined)
  if (answer?.status !== 202) return fault('POST', answer?.status ?? 'lost')
  state.prompts.accepted++
  promptedAt.set(answer.body.reply.id, performance.now())
}

async function listen(order: HonestOrder, user: User): Promise<void> {
  try {
    const response = await fetch(`${order.url}/v1/chatroom/${user.room}/events`, {
      headers: { authorization: `Bearer ${user.token}`, 'x-forwarded-for': user.address },
    })
    if (response.status !== 200) return fault('events', response.status)
    const events = readEvents(response)
    for (let event = await events.next(); event; event = await events.next()) {
      const sentAt = promptedAt.get(event.data.id)
      if (event.event !== 'done' || sentAt === undefined) continue
      promptedAt.delete(event.data.id)
      state.replies.push(performance.now() - sentAt)
      if (event.data.status === 'complete') state.prompts.answered++
      else fault('reply', event.data.status)
    }
  } catch {
    // Counted below, as an end in good order is.
  }
  state.streamsLost++
  setTimeout(() => void listen(order, user), 100)
}

async function logIn(order: HonestOrder): Promise<void> {
  const { logins } = state
  logins.tried++
  const at = PEOPLE + newcomers++
  const address = `192.0.2.${at % 250}`
  const signed = await signIn(order.url, order.outside, { phone: phone(at), address }).catch(
    () => ({ status: 0, token: '' }),
  )
  if (signed.token !== '') logins.ok++
  else fault('login', signed.status)
}

/** Numbers reserved for fiction. */
function phone(at: number): string {
  return `+1202555${String(100 + at).padStart(4, '0')}`
}

function fault(what: string, status: number | string): void {
  const key = `${what} ${status}`
  state.faults.set(key, (state.faults.get(key) ?? 0) + 1)
}

function fresh() {
  return {
    gets: [] as number[],
    neighbourGets: [] as number[],
    replies: [] as number[],
    faults: new Map<string, number>(),
    logins: { tried: 0, ok: 0 },
    prompts: { accepted: 0, answered: 0 },
    streamsLost: 0,
  }
}
