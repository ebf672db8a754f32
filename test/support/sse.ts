export interface SseEvent {
  id: string
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: each event has a shape of its own, which the test goes on to check
  data: any
}

/** Reads an SSE answer event by event. */
export function readEvents(response: Response) {
  if (!response.body) throw new Error('The answer has no body')
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let buffer = ''
  let ended = false

  async function next(): Promise<SseEvent | undefined> {
    for (;;) {
      const end = buffer.indexOf('\n\n')
      if (end >= 0) {
        const block = buffer.slice(0, end)
        buffer = buffer.slice(end + 2)
        const event = parse(block)
        if (event) return event
        continue
      }
      if (ended) return undefined
      const { value, done } = await reader.read()
      if (done) ended = true
      else buffer += value
    }
  }

  return {
    next,
    /** Every event up to and with the first for which `test` holds. */
    async until(test: (event: SseEvent) => boolean): Promise<SseEvent[]> {
      const seen: SseEvent[] = []
      for (;;) {
        const event = await next()
        if (!event)
          throw new Error(`The stream ended after ${seen.map((one) => one.event).join(', ')}`)
        seen.push(event)
        if (test(event)) return seen
      }
    },
    leave: () => reader.cancel(),
  }
}

function parse(block: string): SseEvent | undefined {
  const fields = Object.fromEntries(
    block.split('\n').map((line) => {
      const colon = line.indexOf(': ')
      return [line.slice(0, colon), line.slice(colon + 2)]
    }),
  )
  if (fields['data'] === undefined) return undefined
  return { id: fields['id'] ?? '', event: fields['event'] ?? '', data: JSON.parse(fields['data']) }
}

/** What a client would show of each reply, from its deltas and resets alone. */
export function rebuild(events: SseEvent[]): Map<string, string> {
  const texts = new Map<string, string>()
  for (const { event, data } of events) {
    if (event === 'reset') texts.set(data.messageId, '')
    if (event !== 'delta') continue
    const text = texts.get(data.messageId) ?? ''
    if (data.offset !== text.length)
      throw new Error(`A delta at ${data.offset} after ${text.length} units`)
    texts.set(data.messageId, text + data.text)
  }
  return texts
}
