/** What a benchmark hands back: a table for people and figures for the file of results. */
export interface Report {
  /** The marker in docs/performance.md under which it is shown. */
  name: string
  table: Table
  figures: unknown
  /** What was dropped, refused or wrong; any makes the run fail. */
  faults: string[]
  /** SVG by file name. */
  plots?: Record<string, string>
}

export interface Table {
  head: string[]
  rows: (string | number)[][]
}

export function toMarkdown({ head, rows }: Table): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, at) => (at === 0 ? '---' : '---:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

const DOCUMENT = `${import.meta.dir}/../../docs/performance.md`

/** Puts each table between its markers in docs/performance.md; a report without markers is an error. */
export async function writeTables(reports: readonly Report[]): Promise<void> {
  let text = await Bun.file(DOCUMENT).text()
  for (const { name, table } of reports) {
    const [start, end] = [`<!-- bench:${name} -->\n`, '\n<!-- /bench -->']
    const from = text.indexOf(start)
    const to = text.indexOf(end, from)
    if (from < 0 || to < 0) throw new Error(`docs/performance.md has no place for '${name}'`)
    text = text.slice(0, from + start.length) + toMarkdown(table) + text.slice(to)
  }
  await Bun.write(DOCUMENT, text)
}
