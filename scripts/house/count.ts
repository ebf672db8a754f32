/** What a tree of sources consists of. Paths are relative to its `src`. */
export interface House {
  files: number
  lines: number
  medianLines: number
  /** Files of at most 30 lines, by folder; those of the root under `.`. */
  small: Map<string, number>
}

const SMALL_LINES = 30

/** The TypeScript of the product. Stand-ins were below `src` once; they never belonged to it. */
export function isProduct(path: string): boolean {
  return path.endsWith('.ts') && !path.startsWith('standins/')
}

/** @param texts the text of each file by its path below `src` */
export function count(texts: Map<string, string>): House {
  const lines = new Map(
    [...texts].filter(([path]) => isProduct(path)).map(([path, text]) => [path, linesOf(text)]),
  )
  const sorted = [...lines.values()].sort((a, b) => a - b)
  const small = new Map<string, number>()
  for (const [path, number] of [...lines].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (number > SMALL_LINES) continue
    const folder = path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '.'
    small.set(folder, (small.get(folder) ?? 0) + 1)
  }
  return {
    files: sorted.length,
    lines: sorted.reduce((sum, number) => sum + number, 0),
    medianLines: median(sorted),
    small,
  }
}

function linesOf(text: string): number {
  return text.split('\n').length - (text.endsWith('\n') ? 1 : 0)
}

function median(sorted: readonly number[]): number {
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
