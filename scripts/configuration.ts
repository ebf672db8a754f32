/**
 * `bun run docs:configuration` writes .env.example and docs/configuration.md from src/config/options.ts.
 * A test compares them, so that neither can fall behind.
 */
import type { Option } from '#src/config/option.ts'
import { options } from '#src/config/options.ts'

// Each option has a type of its own; only its texts are used here.
const all = Object.values(options) as unknown as Option<unknown>[]

export function envExample(): string {
  const blocks = all.map((option) => {
    const { name, describe, allowed, fallback, development } = option
    const comment = `# ${describe}. Allowed: ${allowed}.`
    if (fallback) return `${comment}\n# ${name}=${option.write(fallback.value)}`
    // In development there is a default for everything, so that a copy of this file works as it is.
    const needed = development ? 'Needed in production.' : 'Needed.'
    return `${comment} ${needed}\n${name}=`
  })
  return `# Every setting with its default. Each X may also come as X_FILE, the path of a file that holds it.
# Read in development from .env; in production the environment is what the service manager gives.

${blocks.join('\n\n')}
`
}

export function configurationPage(): string {
  const rows = all.map((option) => {
    const { name, describe, allowed, formerly, secret, fallback, development } = option
    const former = formerly.length > 0 ? ` Also understood: ${formerly.map(code).join(', ')}.` : ''
    const shown = (value: unknown) => (option.write(value) === '' ? '–' : code(option.write(value)))
    const needed = fallback ? shown(fallback.value) : '**needed**'
    const inDevelopment = development ? shown(development.value) : ''
    return `| ${code(name)}${secret ? ' 🔑' : ''} | ${describe}.${former} | ${allowed} | ${needed} | ${inDevelopment} |`
  })
  return `# Configuration

Settings come from the environment, are read once at start, and every fault is told at once. Each \`X\` may also come as
\`X_FILE\`, the path of a file that holds it (Docker and systemd secrets). \`.env\` is read in development only. 🔑 marks a
secret: it is never shown, not even in a fault. This page and \`.env.example\` are written by
\`bun run docs:configuration\` from \`src/config/options.ts\`, and a test holds them to it.

| name | what it does | allowed | default | in development |
|---|---|---|---|---|
${rows.join('\n')}
`
}

function code(text: string): string {
  return `\`${text}\``
}

if (import.meta.main) {
  await Bun.write('.env.example', envExample())
  await Bun.write('docs/configuration.md', configurationPage())
}
