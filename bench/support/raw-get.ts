import type { Socket } from 'bun'

/**
 * One GET over a bare TCP socket: thousands of open streams must cost the benchmark little, and only a
 * socket can be told to stop reading.
 */
export interface RawGet {
  /** Resolves when the head of the answer is there; gives its status. */
  status: Promise<number>
  pause(): void
  close(): void
}

export async function rawGet(
  url: string,
  headers: Record<string, string>,
  onText: (text: string) => void = () => {},
): Promise<RawGet> {
  const { hostname, port, pathname, search } = new URL(url)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let head = ''
  let isOpen = false
  const socket: Socket = await Bun.connect({
    hostname,
    port: Number(port),
    socket: {
      data(_socket, bytes) {
        const text = bytes.toString('latin1')
        if (isOpen) return onText(text)
        head += text
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        isOpen = true
        resolve(Number(head.slice(9, 12)))
        if (head.length > end + 4) onText(head.slice(end + 4))
      },
      close: () => reject(new Error('The server closed the connection before it answered')),
      error: (_socket, error) => reject(error),
    },
  })
  const fields = Object.entries({ host: `${hostname}:${port}`, ...headers })
  const lines = fields.map(([name, value]) => `${name}: ${value}`)
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  return { status: promise, pause: () => socket.pause(), close: () => socket.end() }
}
