import { connect } from 'node:net'

export interface RawAnswer {
  status: number
  headers: Headers
  body: string
}

export interface RawSocket {
  send(bytes: string | Uint8Array): void
  /** The next whole answer. @throws with what did come, where the connection ends before */
  answer(): Promise<RawAnswer>
  /** Reads no more, so that what the server writes piles up on its side. */
  pause(): void
  resume(): void
  /** Resolves with everything received that no `answer` took, once the other side has ended the connection. */
  ended: Promise<string>
  end(): void
  /** Bytes received so far. */
  received(): number
  /** What was received and no `answer` took. */
  text(): string
}

/** A connection that is spoken to byte by byte, for what no HTTP client would ever send. */
export async function openSocket(url: string): Promise<RawSocket> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  await new Promise<void>((resolve, reject) =>
    socket.once('connect', resolve).once('error', reject),
  )
  let left = ''
  let received = 0
  let isOver = false
  const over = Promise.withResolvers<string>()
  let told = Promise.withResolvers<void>()
  // A reset is an end too: what it means is for the test to say.
  socket.on('error', () => {})
  socket.on('data', (piece) => {
    received += piece.length
    left += piece.toString('latin1')
    told.resolve()
  })
  socket.on('close', () => {
    isOver = true
    told.resolve()
    over.resolve(left)
  })
  return {
    send: (bytes) => socket.write(bytes),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    end: () => socket.destroy(),
    received: () => received,
    text: () => left,
    ended: over.promise,
    async answer() {
      for (;;) {
        const taken = takeAnswer(left)
        if (taken) {
          left = left.slice(taken.length)
          return taken.answer
        }
        if (isOver) throw new Error(`The connection ended with: '${left}'`)
        told = Promise.withResolvers()
        await told.promise
      }
    },
  }
}

/** The statuses of all answers in what a connection gave. */
export function statusesOf(text: string): number[] {
  return [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status))
}

function takeAnswer(text: string): { answer: RawAnswer; length: number } | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Headers(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon), line.slice(colon + 1).trim()]
    }),
  )
  const length = end + 4 + Number(headers.get('content-length') ?? 0)
  if (text.length < length) return undefined
  const status = Number(first.split(' ')[1])
  return { answer: { status, headers, body: text.slice(end + 4, length) }, length }
}
