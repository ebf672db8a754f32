import type { Port } from '#src/database/sqlite/remote-writer.ts'

/**
 * The two ends of a channel between threads, here in one: each message arrives as text, in a later turn where
 * it is not told otherwise.
 */
export function linkedPorts(deliver: (run: () => void) => void = setImmediate): [Port, Port] {
  const one = end(deliver)
  const other = end(deliver)
  return [
    { post: other.arrive, listen: one.listen, close: async () => {} },
    { post: one.arrive, listen: other.listen, close: async () => {} },
  ]
}

function end(deliver: (run: () => void) => void) {
  let hear: ((text: string) => void) | undefined
  const unheard: string[] = []
  return {
    arrive(text: string) {
      deliver(() => {
        if (hear) hear(text)
        else unheard.push(text)
      })
    },
    listen(listener: (text: string) => void) {
      hear = listener
      for (const text of unheard.splice(0)) listener(text)
    },
  }
}
