/** A small generator (mulberry32): the same file each time, and quick. */
export function createDice(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (((mixed ^ (mixed >>> 14)) >>> 0) * below) / 2 ** 32
  }
}

const VOCABULARY = 20_000
const SENTENCES = 4_096
const WORDS_OF_A_SENTENCE = 12
const SYLLABLES = 'ba re mi to lu ne ka so di fu la ve po ri ga te mu sa no li'.split(' ')

/** The word of a rank; rank 0 is the commonest. */
export function wordOf(rank: number): string {
  let word = ''
  for (let rest = rank + SYLLABLES.length; rest > 0; rest = Math.floor(rest / SYLLABLES.length)) {
    word += SYLLABLES[rest % SYLLABLES.length]
  }
  return word
}

/** Sentences whose words are as unevenly common as those of a language (Zipf), which is what a search index feels. */
export function createSentences(dice: (below: number) => number): string[] {
  return Array.from({ length: SENTENCES }, () => {
    const words = Array.from({ length: WORDS_OF_A_SENTENCE }, () =>
      wordOf(Math.floor(VOCABULARY ** (dice(1_000_000) / 1_000_000)) - 1),
    )
    return `${words.join(' ')}.`
  })
}
