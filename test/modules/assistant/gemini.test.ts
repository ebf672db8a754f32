import { describe, expect, test } from 'bun:test'
import { MINUTE, SECOND } from '#src/lib/time.ts'
import { NO_ENDING } from '#src/modules/assistant/assistant.ts'
import { createFakeClock, turns } from '#test/support/fake-clock.ts'
import { createGate } from '#test/support/gate.ts'
import { askAt, callGemini, endOf, describe as told } from '#test/support/gemini-call.ts'

describe('The time-outs of the provider’s call', () => {
  test('60 s until the answer begins', async () => {
    await using call = callGemini({ kind: 'hang' })
    await call.called()
    await call.clock.advance(60 * SECOND)
    expect(told(await call.outcome)).toBe('broken: no headers within 60 s')
  })

  test('60 s of silence before the first piece', async () => {
    await using call = callGemini({ kind: 'hang', pieces: 0 })
    await call.called()
    await untilTimers(call.clock, 3)
    await call.clock.advance(60 * SECOND)
    expect(told(await call.outcome)).toBe('broken: no sign of life within 60 s')
  })

  test('60 s of silence between two pieces, counted from the last', async () => {
    const gate = createGate()
    await using call = callGemini({ kind: 'answer', pieces: gate.pieces() })
    gate.send('one ')
    await call.heard(1)
    await call.clock.advance(50 * SECOND)
    gate.send('two ')
    await call.heard(2)
    await call.clock.advance(59 * SECOND)
    gate.send('three ')
    await call.heard(3)
    await call.clock.advance(60 * SECOND)
    expect(told(await call.outcome)).toBe('broken: no sign of life within 60 s')
  })

  test('thoughts and keep-alives are signs of life, but the first text has 5 min', async () => {
    const gate = createGate()
    await using call = callGemini({ kind: 'raw', chunks: gate.pieces() })
    const thought = { candidates: [{ content: { parts: [{ text: 'hm', thought: true }] } }] }
    for (let sent = 0; sent < 6; sent++) {
      const chunk = sent % 2 === 0 ? `data: ${JSON.stringify(thought)}\n\n` : ': keep-alive\n\n'
      await call.arrivalOf(() => gate.send(chunk))
      await call.clock.advance(50 * SECOND)
    }
    expect(call.clock.now() - createFakeClock().now()).toBe(5 * MINUTE)
    expect(told(await call.outcome)).toBe('broken: no text within 300 s')
  })

  test('10 min for the whole answer, however lively', async () => {
    const gate = createGate()
    await using call = callGemini({ kind: 'answer', pieces: gate.pieces() })
    for (let piece = 1; piece <= 12; piece++) {
      gate.send('on ')
      await call.heard(piece)
      await call.clock.advance(50 * SECOND)
    }
    expect(call.clock.now() - createFakeClock().now()).toBe(10 * MINUTE)
    expect(told(await call.outcome)).toBe('broken: no end of the answer within 600 s')
  })

  test('none of them stays behind after a whole answer', async () => {
    await using call = callGemini({ kind: 'answer', pieces: ['done'] })
    expect(await call.outcome).toMatchObject({ finishReason: 'STOP', model: 'model' })
    expect(call.clock.timers()).toEqual([])
  })
})

describe('The provider’s call', () => {
  test('ends at once when its caller aborts, with the caller’s reason', async () => {
    await using call = callGemini({ kind: 'hang', pieces: 1 })
    await call.heard(1)
    call.controller.abort('stop')
    expect(await call.outcome).toBe('stop')
  })

  test('is not made for a caller that has aborted before, whatever the moment', async () => {
    const provider = startProvider('Half')
    const early = askAt(provider.url)
    early.controller.abort('stop')
    await expect(early.stream.next()).rejects.toBe('stop')
    const late = askAt(provider.url)
    const first = late.stream.next()
    late.controller.abort('stop')
    await expect(first).rejects.toBe('stop')
    await provider.stop()
  })

  test('is cut off when its reader leaves early', async () => {
    const provider = startProvider('Half')
    const { stream } = askAt(provider.url)
    expect(await stream.next()).toEqual({ done: false, value: 'Half' })
    await stream.return(NO_ENDING)
    await provider.isCut
    await provider.stop()
  })

  test('is cut off once a reply has 1 MB, which ends it like MAX_TOKENS, within no character', async () => {
    const provider = startProvider('🪐'.repeat(300_000))
    const { stream } = askAt(provider.url)
    expect((await stream.next()).value).toBe('🪐'.repeat(250_000))
    expect(await stream.next()).toMatchObject({ done: true, value: { finishReason: 'MAX_TOKENS' } })
    await provider.isCut
    await provider.stop()
  })

  test('sends key, model, instruction and conversation', async () => {
    await using call = callGemini({ kind: 'answer', pieces: ['x'] })
    await call.outcome
    expect(call.gemini.calls[0]).toMatchObject({
      apiKey: 'key',
      model: 'model',
      streamed: true,
      system: 'short',
      contents: [{ role: 'user', text: 'What is up?' }],
    })
  })

  test('names the version of the model that answered, and says when it retires', async () => {
    const modelStatus = { modelStage: 'DEPRECATED', retirementTime: '2027-01-31T00:00:00Z' }
    const modelVersion = 'gemini-3.1-flash-lite-09-2026'
    await using call = callGemini({ kind: 'answer', pieces: ['x'], modelVersion, modelStatus })
    expect(await call.outcome).toMatchObject({ model: modelVersion })
    expect(call.retirements[0]).toBe('model DEPRECATED, retires at 2027-01-31T00:00:00Z')
  })

  test('leaves the fetch of everything else alone', async () => {
    const before = globalThis.fetch
    await using call = callGemini({ kind: 'answer' })
    expect(globalThis.fetch).toBe(before)
    await call.outcome
    expect(globalThis.fetch).toBe(before)
  })

  test('takes numbers of tokens for what they are, and nothing else', async () => {
    const usage = { promptTokenCount: '9', candidatesTokenCount: -1 } as never
    await using call = callGemini({ kind: 'answer', pieces: ['x'], usage })
    expect(await call.outcome).toMatchObject({ usage: { promptTokens: 0, replyTokens: 0 } })
  })
})

describe('An answer is well-formed', () => {
  test.each([
    [['\ud83e', '\ude90 up'], '🪐 up'],
    [['lone \ud83e', ' high'], 'lone \ufffd high'],
    [['lone low \ude90'], 'lone low \ufffd'],
    [['at the end \ud83e'], 'at the end \ufffd'],
    [['a\0b', '\0', 'c'], 'abc'],
    [['\ud83e\0', '\0\ude90'], '🪐'],
  ])('%j', async (pieces, text) => {
    await using call = callGemini({ kind: 'answer', pieces })
    expect(told(await call.outcome)).toBe('STOP')
    expect(call.pieces.join('')).toBe(text)
    // Each piece by itself, as each is a delta of its own.
    for (const piece of call.pieces) expect(piece.isWellFormed()).toBe(true)
  })

  test('one of NUL only is empty', async () => {
    expect(await endOf({ kind: 'answer', pieces: ['\0', '\0'] })).toEqual({
      text: '',
      end: 'broken: the answer was empty (STOP)',
    })
  })
})

async function untilTimers(clock: ReturnType<typeof createFakeClock>, count: number) {
  while (clock.timers().length < count) await turns(1)
}

/** A provider that sends one text and then nothing more. */
function startProvider(text: string) {
  const cut = Promise.withResolvers<void>()
  const chunk = JSON.stringify({ candidates: [{ content: { parts: [{ text }] } }] })
  const server = Bun.serve({
    hostname: '127.0.0.1',
    port: 0,
    fetch: () =>
      new Response(
        new ReadableStream<string>({
          start: (controller) => controller.enqueue(`data: ${chunk}\r\n\r\n`),
          cancel: () => cut.resolve(),
        }),
      ),
  })
  return {
    url: `http://127.0.0.1:${server.port}`,
    /** Resolves once the caller has closed the connection. */
    isCut: cut.promise,
    stop: () => server.stop(true),
  }
}
