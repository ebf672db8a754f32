import { afterEach, describe, expect, test } from 'bun:test'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { AssistantFault } from '#src/modules/assistant/assistant.ts'
import { createGemini } from '#src/modules/assistant/gemini.ts'
import type { Behaviour } from '#src/standins/gemini/behaviour.ts'
import { createGeminiStandIn, type GeminiStandIn } from '#src/standins/gemini/server.ts'
import { createFakeClock, turns } from '#test/support/fake-clock.ts'
import { createGate } from '#test/support/gate.ts'

let standIn: GeminiStandIn | undefined
afterEach(async () => {
  await standIn?.stop()
})

/** One call of a provider that behaves so, gathered; the test moves the clock. */
function call(behaviour: Behaviour) {
  const gemini = createGeminiStandIn({ behave: () => behaviour })
  standIn = gemini
  const clock = createFakeClock()
  const assistant = createGemini({ apiKey: 'key', baseUrl: gemini.url, clock })
  const controller = new AbortController()
  const pieces: string[] = []
  const request = { models: ['model'], system: 'short', history: [], prompt: 'What is up?' }
  const stream = assistant.stream(request, controller.signal)
  const outcome = (async () => {
    try {
      for (;;) {
        const next = await stream.next()
        if (next.done) return next.value
        pieces.push(next.value)
      }
    } catch (error) {
      return error
    }
  })()
  const called = async () => {
    while (gemini.calls.length === 0) await turns(1)
  }
  const heard = async (count: number) => {
    while (pieces.length < count) await turns(1)
  }
  return { gemini, clock, controller, stream, pieces, outcome, called, heard }
}

function fault(outcome: unknown): string {
  if (!(outcome instanceof AssistantFault)) throw new Error(`Not a fault: ${outcome}`)
  return `${outcome.kind}: ${outcome.message}`
}

describe('The time-outs of the provider’s call', () => {
  test('10 s until the answer begins', async () => {
    const { clock, called, outcome } = call({ kind: 'hang' })
    await called()
    await clock.advance(10 * SECOND)
    expect(fault(await outcome)).toBe('broken: no connection within 10 s')
  })

  test('30 s to the first piece', async () => {
    const { clock, called, outcome } = call({ kind: 'hang', pieces: 0 })
    await called()
    // The limit to the headers is one timer, the limit to the first piece another.
    while (clock.timers().length < 2 || clock.timers().includes(clock.now() + 10 * SECOND))
      await turns(1)
    await clock.advance(30 * SECOND)
    expect(fault(await outcome)).toBe('broken: no first piece within 30 s')
  })

  test('30 s of silence', async () => {
    const { clock, heard, outcome } = call({ kind: 'hang', pieces: 2 })
    await heard(2)
    await clock.advance(30 * SECOND)
    expect(fault(await outcome)).toBe('broken: no next piece within 30 s')
  })

  test('5 min for the whole answer, however lively', async () => {
    const gate = createGate()
    const { clock, heard, outcome } = call({ kind: 'answer', pieces: gate.pieces() })
    for (let piece = 1; piece <= 15; piece++) {
      gate.send('on ')
      await heard(piece)
      await clock.advance(20 * SECOND)
    }
    expect(clock.now() - createFakeClock().now()).toBe(5 * MINUTE)
    expect(fault(await outcome)).toBe('broken: no whole answer within 300 s')
  })

  test('none of them stays behind after a whole answer', async () => {
    const { clock, outcome } = call({ kind: 'answer', pieces: ['done'] })
    expect(await outcome).toMatchObject({ finishReason: 'STOP', model: 'model' })
    await clock.advance(10 * MINUTE)
    expect(await outcome).toMatchObject({ finishReason: 'STOP' })
  })
})

describe('The provider’s call', () => {
  test('ends at once when its caller aborts, with the caller’s reason', async () => {
    const { controller, heard, outcome } = call({ kind: 'hang', pieces: 1 })
    await heard(1)
    controller.abort('stop')
    expect(await outcome).toBe('stop')
  })

  test('is cut off when whoever reads it leaves early', async () => {
    const cut = Promise.withResolvers<void>()
    const piece = JSON.stringify({ candidates: [{ content: { parts: [{ text: 'Half' }] } }] })
    const provider = Bun.serve({
      hostname: '127.0.0.1',
      port: 0,
      fetch: () =>
        new Response(
          new ReadableStream<string>({
            start: (controller) => controller.enqueue(`data: ${piece}\r\n\r\n`),
            cancel: () => cut.resolve(),
          }),
        ),
    })
    const baseUrl = `http://127.0.0.1:${provider.port}`
    const assistant = createGemini({ apiKey: 'key', baseUrl, clock: createFakeClock() })
    const request = { models: ['model'], system: 'short', history: [], prompt: 'What is up?' }
    const stream = assistant.stream(request, new AbortController().signal)
    expect(await stream.next()).toEqual({ done: false, value: 'Half' })
    await stream.return({ model: '', finishReason: '', usage: null })
    await cut.promise
    await provider.stop(true)
  })

  test('sends key, model, instruction and conversation', async () => {
    const { gemini, outcome } = call({ kind: 'answer', pieces: ['x'] })
    await outcome
    expect(gemini.calls[0]).toMatchObject({
      apiKey: 'key',
      model: 'model',
      streamed: true,
      system: 'short',
      contents: [{ role: 'user', text: 'What is up?' }],
    })
  })
})
