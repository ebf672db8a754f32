/** Pieces that come only when the test lets them. */
export function createGate() {
  const waiting: ((piece: string | undefined) => void)[] = []
  const ready: (string | undefined)[] = []
  return {
    send(piece: string) {
      const resolve = waiting.shift()
      if (resolve) resolve(piece)
      else ready.push(piece)
    },
    end() {
      const resolve = waiting.shift()
      if (resolve) resolve(undefined)
      else ready.push(undefined)
    },
    async *pieces(): AsyncGenerator<string> {
      for (;;) {
        const piece = ready.length
          ? ready.shift()
          : await new Promise<string | undefined>((resolve) => waiting.push(resolve))
        if (piece === undefined) return
        yield piece
      }
    },
  }
}
