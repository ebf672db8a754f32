import { runCommandLine } from '#src/cli/program.ts'

/** Runs `pollux` as a terminal would, and gives what it wrote. */
export async function pollux(argv: string[], environment: Record<string, string> = {}) {
  const out: string[] = []
  const err: string[] = []
  const code = await runCommandLine(argv, {
    environment,
    async print(text) {
      out.push(`${text}\n`)
    },
    async complain(text) {
      err.push(`${text}\n`)
    },
  })
  return { code, out: out.join(''), err: err.join('') }
}
