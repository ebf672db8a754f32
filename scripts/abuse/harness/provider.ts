import type { Behaviour, Call } from '#standins/gemini/behaviour.ts'
import { MARK } from './attacker.ts'

/** A reply of a quarter of a megabyte, about the most that a model writes. */
const LONG = Array.from({ length: 64 }, () => 'word after word '.repeat(256))
const WORDS = Array.from({ length: 20 }, (_, at) => `piece ${at} `)

/**
 * What the stand-in of Gemini does. An attacker chooses by the prompt how its reply ends, as a person can who asks
 * for something long, or for something that the model refuses.
 */
export function behave(call: Call): Behaviour {
  if (!call.prompt.includes(MARK)) return { kind: 'answer', pieces: WORDS, pieceDelayMs: 5 }
  const wish = /wish:(\w+)/.exec(call.prompt)?.[1]
  if (wish === 'other') return { kind: 'answer', pieces: WORDS, finishReason: 'OTHER' }
  if (wish === 'refused') return { kind: 'block', reason: 'SAFETY', at: 'prompt' }
  if (wish === 'refused-late') return { kind: 'block', reason: 'SAFETY', at: 'answer', pieces: 20 }
  if (wish === 'empty') return { kind: 'empty' }
  if (wish === 'too-large') return { kind: 'status', status: 400 }
  if (wish === 'slow') return { kind: 'answer', pieces: WORDS, pieceDelayMs: 500 }
  if (wish === 'long') return { kind: 'answer', pieces: LONG }
  return { kind: 'answer', pieces: WORDS, pieceDelayMs: 1 }
}

/** Calls that an attack caused: replies, further tries of them, and titles of their rooms. */
export function countAttackCalls(calls: readonly Call[]): number {
  return calls.filter(({ contents }) => contents.some(({ text }) => text.includes(MARK))).length
}
