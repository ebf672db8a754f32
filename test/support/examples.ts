export interface Example {
  /** The commands of a `sh` block. */
  commands: string
  /** What the `text` block after it shows; `…` stands for anything. */
  output: string | undefined
}

/** The commands of a page of documentation, each with the output it promises. */
export function readExamples(markdown: string): Example[] {
  const blocks = [...markdown.matchAll(/^```(sh|text)\n(.*?)^```$/gms)]
  return blocks.flatMap(([, kind, text = ''], at) => {
    if (kind !== 'sh') return []
    const next = blocks[at + 1]
    return [{ commands: text, output: next?.[1] === 'text' ? next[2] : undefined }]
  })
}

/** Runs them in one shell, so that variables stay, and gives what each printed. */
export async function runExamples(
  examples: Example[],
  environment: Record<string, string>,
  cwd: string,
): Promise<{ code: number; outputs: string[]; errors: string }> {
  const mark = `--- ${crypto.randomUUID()}`
  const script = examples.map(({ commands }) => `${commands}\necho; echo '${mark}'\n`).join('')
  const shell = Bun.spawn(['bash', '-c', `set -euo pipefail\n${script}`], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, errors, code] = await Promise.all([
    new Response(shell.stdout).text(),
    new Response(shell.stderr).text(),
    shell.exited,
  ])
  return { code, errors, outputs: out.split(`${mark}\n`).map((text) => text.trim()) }
}

/** Whether what was printed is what the page shows. */
export function matches(shown: string, printed: string): boolean {
  const pattern = shown
    .trim()
    .split('…')
    .map((part) => RegExp.escape(part))
    .join('[^]*?')
  return new RegExp(`^${pattern}$`, 'i').test(printed)
}
