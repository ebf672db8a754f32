import type { Turn } from './assistant.ts'

/** Until the provider has told better: about four characters a token. */
const TOKENS_PER_CHARACTER = 1 / 4

/** A prompt and the reply that counts, as stored. */
export interface Exchange {
  prompt: string
  reply: string
  /** As the provider counted it; null where it did not. */
  replyTokens: number | null
}

/** What the provider counted for an earlier request of this room. */
export interface Measured {
  promptTokens: number
  characters: number
}

export interface Window {
  turns: Turn[]
  /** What the request holds in characters, its prompt and instruction included. */
  characters: number
}

/** Tokens of a text, from its characters and what the provider counted last. */
export function estimateTokens(text: string, measured?: Measured): number {
  return Math.ceil(text.length * ratioOf(measured))
}

/**
 * As many whole latest exchanges as fit the budget beside the instruction and the prompt, which is always
 * kept; the oldest are dropped first. `exchanges` comes newest first and is read no further than it fits.
 * @param budget tokens; 0 keeps no exchange
 */
export function fitWindow(input: {
  system: string
  prompt: string
  exchanges: Iterable<Exchange>
  budget: number
  measured: Measured | undefined
}): Window {
  const { system, prompt, exchanges, budget, measured } = input
  const turns: Turn[] = []
  let characters = system.length + prompt.length
  let left = budget - estimateTokens(system, measured) - estimateTokens(prompt, measured)
  if (left <= 0) return { turns, characters }
  for (const exchange of exchanges) {
    left -= estimateTokens(exchange.prompt, measured)
    left -= exchange.replyTokens ?? estimateTokens(exchange.reply, measured)
    if (left < 0) break
    turns.unshift({ role: 'user', text: exchange.prompt }, { role: 'model', text: exchange.reply })
    characters += exchange.prompt.length + exchange.reply.length
  }
  return { turns, characters }
}

/** Bounded, so that one odd count cannot empty or overfill the window: from 1 to 8 characters a token. */
function ratioOf(measured: Measured | undefined): number {
  if (!measured || measured.characters === 0) return TOKENS_PER_CHARACTER
  return Math.min(1, Math.max(1 / 8, measured.promptTokens / measured.characters))
}
