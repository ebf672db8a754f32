/** How often each line ran, by file, as a report in the lcov format says. */
export type Coverage = Map<string, Map<number, number>>

export function parseLcov(text: string): Coverage {
  const coverage: Coverage = new Map()
  let lines = new Map<number, number>()
  for (const row of text.split('\n')) {
    if (row.startsWith('SF:')) {
      lines = new Map()
      coverage.set(row.slice(3), lines)
    }
    const [, line, times] = /^DA:(\d+),(\d+)/.exec(row) ?? []
    if (line !== undefined) lines.set(Number(line), Number(times))
  }
  return coverage
}

/**
 * The files of which a line ran more often with the request than without it. What runs when a file is loaded runs equally
 * often in both, so only function bodies count.
 */
export function crossed(without: Coverage, withIt: Coverage): string[] {
  return [...withIt]
    .filter(([file, lines]) => {
      const before = without.get(file)
      return [...lines].some(([line, times]) => times > (before?.get(line) ?? 0))
    })
    .map(([file]) => file)
    .sort()
}
