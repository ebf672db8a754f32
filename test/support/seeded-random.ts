import type { Random } from '#src/lib/random.ts'

/** The same numbers for the same seed (mulberry32); ids rise as UUIDv7 do. */
export function createSeededRandom(seed = 1): Random {
  let state = seed
  let made = 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const hex = (digits: number) =>
    Array.from({ length: digits }, () => Math.floor(next() * 16).toString(16)).join('')
  return {
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)),
    int: (below) => Math.floor(next() * below),
    id(at) {
      const time = Math.floor(at).toString(16).padStart(12, '0')
      const counter = (made++ % 4096).toString(16).padStart(3, '0')
      return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-8${hex(3)}-${hex(12)}`
    },
  }
}
