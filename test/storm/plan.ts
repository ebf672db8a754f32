import type { Behaviour } from '#standins/gemini/behaviour.ts'
import { createSeededRandom } from '#test/support/seeded-random.ts'

export interface StormOptions {
  seed: number
  prompts: number
  /** How long prompts are sent and servers killed; then everything may end in peace. */
  durationMs: number
  /** Leaves out the faults that take our own time-outs of 30 s to be noticed. */
  isShort: boolean
}

export interface PlannedPrompt {
  /** Its number in the storm, which its text carries too. */
  number: number
  text: string
  atMs: number
  /** Both copies at once, or the second so long after the first was answered. */
  secondAfterMs: number | undefined
  /** What the provider does on its first calls; then it answers. */
  faults: Behaviour[]
  /** The answer, in its pieces. */
  answer: string[]
  pieceDelayMs: number
  cancelAfterMs: number | undefined
}

export interface PlannedRoom {
  user: number
  prompts: PlannedPrompt[]
  /** After how many events its readers drop their connection by themselves, over and over. */
  readerDropsAfter: number[]
}

/**
 * `kill`: SIGKILL and a new start. `kill-twice`: the new start is killed as well, before it listens.
 * `pause`: SIGSTOP, SIGCONT. `takeover`: the server is stopped, a second one takes the file over, then the
 * first wakes up beside it: every reply it was writing is a zombie's.
 */
export interface Blow {
  kind: 'kill' | 'kill-twice' | 'pause' | 'takeover'
  /** After the end of the blow before. */
  afterMs: number
  forMs: number
}

export interface StormPlan {
  users: number
  dailyPrompts: number
  rooms: PlannedRoom[]
  blows: Blow[]
}

type Draw = (below: number) => number

/** Everything that chance decides in a storm, so that the same seed is the same storm. */
export function planStorm({ seed, prompts, durationMs, isShort }: StormOptions): StormPlan {
  const { int: draw } = createSeededRandom(seed)
  const users = Math.max(4, Math.ceil(prompts / 50))
  const rooms: PlannedRoom[] = Array.from({ length: users * 3 }, (_, at) => ({
    user: at % users,
    prompts: [],
    readerDropsAfter: Array.from({ length: 20 }, () => 3 + draw(60)),
  }))
  for (let number = 0; number < prompts; number++) {
    const room = rooms[draw(rooms.length)]
    room?.prompts.push(planPrompt(number, draw, durationMs, isShort))
  }
  for (const room of rooms) room.prompts.sort((a, b) => a.atMs - b.atMs)
  const blows = Array.from({ length: Math.ceil(durationMs / 2_000) }, () => planBlow(draw))
  // Whatever the seed, each kind of blow falls early.
  const kinds = ['takeover', 'kill', 'pause', 'kill-twice'] as const
  for (const [at, kind] of kinds.entries()) blows.splice(at, 1, { ...planBlow(draw), kind })
  // A little less than is asked for, so that some are refused and what is given back matters.
  return { users, dailyPrompts: Math.ceil((prompts / users) * 0.95), rooms, blows }
}

function planPrompt(
  number: number,
  draw: Draw,
  durationMs: number,
  isShort: boolean,
): PlannedPrompt {
  return {
    number,
    text: `#${number} ${'what say you? '.repeat(1 + draw(4))}`,
    atMs: draw(durationMs),
    secondAfterMs: draw(2) === 0 ? undefined : draw(2_000),
    faults: planFaults(draw, isShort),
    answer: Array.from({ length: 5 + draw(35) }, (_, piece) => planPiece(number, piece, draw)),
    pieceDelayMs: 10 + draw(50),
    cancelAfterMs: draw(12) === 0 ? draw(1_500) : undefined,
  }
}

function planPiece(number: number, piece: number, draw: Draw): string {
  return `${number}.${piece} ${['Sure', 'näh', '🪐🛰️', 'über', '"quoted"\n', '漢字'][draw(6)]} `
}

function planFaults(draw: Draw, isShort: boolean): Behaviour[] {
  const faults: Behaviour[] = []
  const overloaded: Behaviour = { kind: 'status', status: 503, message: 'overloaded' }
  if (draw(100) === 0) return Array.from({ length: 5 }, () => overloaded)
  while (draw(100) < 22) {
    const pieces = draw(4)
    const kinds: Behaviour[] = [
      { kind: 'status', status: 429, message: 'slow down', retryDelay: `0.${1 + draw(8)}s` },
      overloaded,
      { kind: 'cut', pieces },
      { kind: 'unfinished', pieces },
      { kind: 'empty' },
      { kind: 'malformed' },
      { kind: 'block', reason: 'SAFETY', at: 'prompt' },
      { kind: 'block', reason: 'PROHIBITED_CONTENT', at: 'answer', pieces },
    ]
    faults.push(kinds[draw(kinds.length)] ?? overloaded)
  }
  if (draw(200) === 0) faults.push({ kind: 'status', status: 400, message: 'refused' })
  if (draw(isShort ? 400 : 150) === 0)
    faults.push(isShort ? { kind: 'hang' } : { kind: 'hang', pieces: 2 })
  return faults
}

function planBlow(draw: Draw): Blow {
  const kinds = [
    'kill',
    'kill',
    'kill',
    'kill-twice',
    'pause',
    'pause',
    'takeover',
    'takeover',
  ] as const
  return {
    kind: kinds[draw(kinds.length)] ?? 'kill',
    afterMs: 300 + draw(3_000),
    forMs: 50 + draw(1_200),
  }
}
