import { describe, expect, test } from 'bun:test'
import type { Behaviour, Piece } from '#standins/gemini/behaviour.ts'
import { endOf } from '#test/support/gemini-call.ts'

const thought: Piece = { text: 'Let me think.', thought: true }
const finish = (finishReason: string, pieces: Piece[] = ['text']): Behaviour => {
  return { kind: 'answer', pieces, finishReason }
}
const status = (code: number, message = 'why'): Behaviour => {
  return { kind: 'status', status: code, message }
}

/** docs/conversation.md, "How a reply can end": every outcome with the fault that it is, or the finish reason. */
const outcomes: [Behaviour, string][] = [
  [finish('STOP'), 'STOP'],
  [finish('MAX_TOKENS'), 'MAX_TOKENS'],
  [finish('STOP', [thought, 'text', thought]), 'STOP'],
  ...[
    ...['SAFETY', 'PROHIBITED_CONTENT', 'RECITATION', 'BLOCKLIST', 'SPII', 'LANGUAGE'],
    ...['MODEL_ARMOR', 'IMAGE_SAFETY', 'IMAGE_PROHIBITED_CONTENT', 'IMAGE_RECITATION'],
    ...['IMAGE_OTHER', 'IMAGE_NEW_ONE'],
  ].map((reason): [Behaviour, string] => [finish(reason), `blocked: ${reason}`]),
  ...['SAFETY', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'MODEL_ARMOR', 'JAILBREAK', 'OTHER'].map(
    (reason): [Behaviour, string] => [
      { kind: 'block', at: 'prompt', reason },
      `blocked: ${reason}`,
    ],
  ),
  [{ kind: 'block', at: 'prompt', reason: '<script>' }, 'blocked: OTHER'],
  [{ kind: 'block', at: 'answer', reason: 'SAFETY', pieces: 2 }, 'blocked: SAFETY'],
  ...[
    ...['OTHER', 'FINISH_REASON_UNSPECIFIED', 'MALFORMED_FUNCTION_CALL', 'MALFORMED_RESPONSE'],
    ...['MISSING_THOUGHT_SIGNATURE', 'TOO_MANY_TOOL_CALLS', 'UNEXPECTED_TOOL_CALL', 'A_NEW_ONE'],
    ...['NO_IMAGE', 'constructor'],
  ].map((reason): [Behaviour, string] => [
    finish(reason),
    `broken: the answer ended with ${reason === 'constructor' ? 'OTHER' : reason}`,
  ]),
  [finish('STOP', []), 'broken: the answer was empty (STOP)'],
  [finish('STOP', [thought]), 'broken: the answer was empty (STOP)'],
  [finish('MAX_TOKENS', [thought, thought]), 'broken: the answer was empty (MAX_TOKENS)'],
  [{ kind: 'empty' }, 'broken: the answer was empty (undefined)'],
  [{ kind: 'unfinished', pieces: 2 }, 'broken: the answer broke off'],
  [{ kind: 'cut', pieces: 1 }, 'broken: '],
  [{ kind: 'malformed' }, 'broken: '],
  [status(400), 'refused: 400 the request was refused'],
  [status(413), 'refused: 413 the request was refused'],
  [status(422), 'refused: 422 the request was refused'],
  [status(400, 'API key not valid'), 'key: 400 API key not valid'],
  [status(401), 'key: 401 why'],
  [status(403), 'key: 403 why'],
  [status(404), 'model-gone: 404 why'],
  [status(429), 'rate-limited: 429 why'],
  ...[408, 409, 425, 499, 500, 502, 503, 504, 524, 529].map((code): [Behaviour, string] => [
    status(code),
    `overloaded: ${code} why`,
  ]),
  // An error inside a stream that began with 200 is the same as that status.
  ...[400, 401, 404, 429, 499, 503].flatMap((code): [Behaviour, string][] => {
    const [kind = ''] = (outcomesOf(code) ?? '').split(':')
    return [0, 1].map((pieces) => [
      { kind: 'error', status: code, message: 'why', pieces },
      // The text of a refusal may quote the prompt.
      `${kind}: ${code} ${kind === 'refused' ? 'the request was refused' : 'why'}`,
    ])
  }),
]

function outcomesOf(code: number): string | undefined {
  return new Map([
    [400, 'refused'],
    [401, 'key'],
    [404, 'model-gone'],
    [429, 'rate-limited'],
    [499, 'overloaded'],
    [503, 'overloaded'],
  ]).get(code)
}

describe('How an answer ends', () => {
  test.each(outcomes)('%j', async (behaviour, expected) => {
    const { end } = await endOf(behaviour)
    if (expected.endsWith(' ')) expect(end).toStartWith(expected)
    else expect(end).toBe(expected)
  })

  test('thoughts are no part of the text', async () => {
    expect(await endOf(finish('STOP', [thought, 'te', thought, 'xt']))).toEqual({
      text: 'text',
      end: 'STOP',
    })
  })

  test('a whole answer is kept when the connection breaks behind its end', async () => {
    const whole = { candidates: [{ content: { parts: [{ text: 'yes' }] }, finishReason: 'STOP' }] }
    const chunks = [`data: ${JSON.stringify(whole)}\n\n`, 'data: {"candi\n\n']
    expect(await endOf({ kind: 'raw', chunks })).toEqual({ text: 'yes', end: 'STOP' })
  })
})
