import { openSocket, type RawSocket } from '#test/support/raw-socket.ts'
import { type Signed, signIn } from './sign-in.ts'

/** In every prompt of an attack, so that the provider's stand-in can count the calls made for it. */
export const MARK = '«attack»'

/** One way to hurt others with one free account, or with none. */
export interface Attack {
  name: string
  about: string
  /** Work of earlier days: runs against a server without daily quota, before the attack is measured. */
  plant?: (attacker: Attacker) => Promise<void>
  /** Returns when `isOver()` or earlier. Every loop is bounded in count as well. */
  run(attacker: Attacker): Promise<void>
}

export interface Account {
  phone: string
  address: string
  password?: string
}

interface Request {
  body?: unknown
  /** Sent as it is, with the content type in `headers`. */
  raw?: string
  headers?: Record<string, string>
  /** Of another account, or none. */
  token?: string | null
}

export interface Reply {
  status: number
  text: string
}

export type Attacker = ReturnType<typeof createAttacker>

export interface AttackerOptions {
  url: string
  outside: string
  token: string
  account: Account
  seconds: number
}

/** What an attack needs: requests that are counted by status, loops that end, more accounts. */
export function createAttacker(options: AttackerOptions) {
  const { url, outside, account, seconds } = options
  const end = performance.now() + seconds * 1_000
  const left = new AbortController()
  const statuses = new Map<string, number>()
  let token = options.token
  const isOver = () => performance.now() >= end || left.signal.aborted
  const count = (what: string | number) =>
    statuses.set(String(what), (statuses.get(String(what)) ?? 0) + 1)

  async function open(method: string, path: string, request: Request = {}): Promise<Response> {
    const { body, raw, headers = {} } = request
    const bearer = request.token === undefined ? token : request.token
    return await fetch(`${url}${path}`, {
      method,
      signal: left.signal,
      headers: {
        'x-forwarded-for': account.address,
        ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(raw === undefined && body === undefined ? {} : { body: raw ?? JSON.stringify(body) }),
    })
  }

  async function send(method: string, path: string, request: Request = {}): Promise<Reply> {
    try {
      const response = await open(method, path, request)
      const text = await response.text()
      count(response.status)
      return { status: response.status, text }
    } catch {
      if (!left.signal.aborted) count('lost')
      return { status: 0, text: '' }
    }
  }

  async function newRoom(body: object = {}): Promise<string> {
    return idIn((await send('POST', '/v1/chatroom', { body })).text)
  }

  /**
   * Sends a GET on that many connections, without waiting for answers; of `unread` of each two the answer is not read.
   * They stay open until the end of the attack.
   */
  async function connect(connections: number, unread: 0 | 1 | 2, pathOf: (turn: number) => string) {
    const sockets: RawSocket[] = []
    await repeat(16, connections, async (turn) => {
      const socket = await openSocket(url).catch(() => undefined)
      if (!socket) return count('not connected')
      if (turn % 2 < unread) socket.pause()
      sockets.push(socket)
      const headers = `Host: a\r\nAuthorization: Bearer ${token}\r\nX-Forwarded-For: ${account.address}`
      return socket.send(`GET ${pathOf(turn)} HTTP/1.1\r\n${headers}\r\n\r\n`)
    })
    statuses.set('connections', sockets.length + (statuses.get('connections') ?? 0))
    left.signal.addEventListener('abort', () => {
      for (const socket of sockets) socket.end()
    })
  }

  /** Runs `once` in that many loops at a time, until time is up or it has run `most` times. */
  async function repeat(together: number, most: number, once: (turn: number) => Promise<unknown>) {
    let turn = 0
    const loop = async () => {
      while (!isOver() && turn < most) await once(turn++)
    }
    await Promise.all(Array.from({ length: together }, loop))
  }

  return {
    connect,
    repeat,
    account,
    statuses,
    isOver,
    count,
    open,
    send,
    newRoom,
    get token() {
      return token
    },
    /** Signs in again, as the same account or as another; its requests are then sent as that one. */
    async signIn(as: Account = account): Promise<Signed> {
      const signed = await signIn(url, outside, as)
      if (signed.token !== '') token = signed.token
      return signed
    },
    /** A minute or more passes between two codes of one number; an attack lasts seconds. */
    skipCooldowns: () => fetch(`${outside}/skip-cooldowns`, { method: 'POST' }),
    /** Sends a prompt; the id of its reply, or '' where it was refused. */
    async prompt(room: string, text: string): Promise<string> {
      const body = { userPrompt: `${MARK} ${text}` }
      const { status, text: answer } = await send('POST', `/v1/chatroom/${room}/message`, { body })
      return status === 202 ? (/"reply":\{"id":"([^"]+)"/.exec(answer)?.[1] ?? '') : ''
    },
    /** Waits for the end of the attack. */
    untilOver: () => Bun.sleep(Math.max(0, end - performance.now())),
    stop: () => left.abort(),
  }
}

function idIn(text: string): string {
  return /"id":"([^"]+)"/.exec(text)?.[1] ?? ''
}
