import { visible } from '#src/lib/visible.ts'

type Cell = string | number | null

/** Rows under a heading, in columns as wide as their widest cell. A cell is one line, whatever it holds. */
export function table(heading: string[], rows: Cell[][]): string {
  const cells = [heading, ...rows.map((row) => row.map((cell) => visible(String(cell ?? '–'))))]
  const widths = heading.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)))
  return cells
    .map((row) => row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n')
}
