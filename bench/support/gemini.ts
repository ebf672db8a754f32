/** The moments of one call, on the clock of this process (`performance.now()`). */
export interface TimedCall {
  receivedAt: number
  /** When each piece was handed to the socket. */
  sentAt: number[]
}

export interface TimedGemini {
  url: string
  /** By the number that the prompt carries. */
  calls: Map<number, TimedCall>
  stop(): Promise<void>
}

/**
 * A Gemini that notes when it was asked and when it sent each piece. A prompt `«7»` is answered with the
 * pieces `#7.0# `, `#7.1# ` and so on, so that whoever reads them can tell which one arrived when. It runs
 * in the process of the benchmark, whose clock its readers use too.
 */
export function createTimedGemini(options: {
  pieces: number
  everyMs: number
  /** Characters of a piece. */
  size?: number
}): TimedGemini {
  const calls = new Map<number, TimedCall>()
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const receivedAt = performance.now()
      const body = await request.text()
      const asked =
        new URL(request.url).searchParams.get('prompt') ??
        [...body.matchAll(/«(\d+)»/g)].at(-1)?.[1]
      const number = Number(asked ?? -1)
      const call: TimedCall = { receivedAt, sentAt: [] }
      calls.set(number, call)
      const stream = new ReadableStream<string>({
        async start(controller) {
          // The headers go out at once, as the real API's do.
          controller.enqueue('')
          for (let at = 0; at < options.pieces; at++) {
            if (options.everyMs > 0 || at === 0) await Bun.sleep(options.everyMs)
            const text = `#${number}.${at}# `.padEnd(options.size ?? 0, 'x')
            call.sentAt.push(performance.now())
            controller.enqueue(chunk({ content: { role: 'model', parts: [{ text }] }, index: 0 }))
          }
          controller.enqueue(chunk({ finishReason: 'STOP', index: 0 }))
          controller.close()
        },
      })
      return new Response(stream, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  return { url: `http://127.0.0.1:${server.port}`, calls, stop: () => server.stop(true) }
}

function chunk(candidate: object): string {
  const usageMetadata = { promptTokenCount: 12, candidatesTokenCount: 20, totalTokenCount: 32 }
  return `data: ${JSON.stringify({ candidates: [candidate], usageMetadata })}\r\n\r\n`
}
