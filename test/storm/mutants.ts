import { cp, mkdir, symlink } from 'node:fs/promises'
import { basename, join } from 'node:path'

interface Change {
  file: string
  from: string | RegExp
  to: string
}

const root = join(import.meta.dir, '..', '..')

/**
 * Pollux with one guarantee taken out. The storm must find each, or it proves nothing. They are made by
 * changing the text of a copy of the source: no line of the product knows of them.
 */
export const mutants: Record<string, Change[]> = {
  'no-fence': [
    {
      file: 'src/queue/statements.ts',
      from: / AND \$\{jobs\.attempt\} = \$\{p\.attempt\} AND \$\{jobs\.state\} = 'running'/g,
      to: '',
    },
    {
      file: 'src/modules/messages/write-statements.ts',
      from: / AND \$\{jobs\.attempt\} = \$\{p\.attempt\} AND \$\{jobs\.state\} = 'running'/g,
      to: '',
    },
  ],
  // The index is the second guard of a concurrency key; the statement that looks for a predecessor is the first. Both go.
  'no-lane-index': [
    {
      file: 'drizzle/migrations/0000_initial.sql',
      from: 'CREATE UNIQUE INDEX `jobs_one_active_per_lane`',
      to: 'CREATE INDEX `jobs_one_active_per_lane`',
    },
    {
      file: 'src/queue/order-statements.ts',
      from: /SELECT coalesce\(\s+\(SELECT \$\{concurrencyKeys\.lastBlocked\}[^`]*AS id`/,
      to: 'SELECT NULL AS id`',
    },
  ],
  'no-idempotency': [
    {
      file: 'src/modules/idempotency/commands.ts',
      from: 'if (!claim) return { value: yield* create(), replayed: false }',
      to: 'if (claim || !claim) return { value: yield* create(), replayed: false }',
    },
  ],
  'no-give-back': [
    {
      file: 'src/modules/quota/usage.ts',
      from: 'if (day === null) return',
      to: 'if (day !== undefined) return',
    },
  ],
  'refund-of-sent': [
    {
      file: 'src/modules/messages/reply-end.ts',
      from: 'isRefunded = jobId === null || !(yield* tx.first(findStartedJob, { jobId }))',
      to: 'isRefunded = true',
    },
  ],
  'text-uncounted': [
    {
      file: 'src/modules/quota/usage.ts',
      from: 'yield* tx.run(settleUsage, { numberDigest, bytes })',
      to: 'yield* tx.run(settleUsage, { numberDigest, bytes: 0 })',
    },
  ],
}

/** Copies the source into a folder, changes it, and gives the folder. @throws where there is nothing to change */
export async function makeMutant(name: string, folder: string): Promise<void> {
  const changes = mutants[name]
  if (!changes) {
    throw new Error(`There is no mutant '${name}'; there are ${Object.keys(mutants).join(', ')}`)
  }
  await mkdir(folder, { recursive: true })
  for (const part of [
    'src',
    'drizzle',
    'standins',
    'scripts',
    'docs',
    'package.json',
    'tsconfig.json',
  ]) {
    await cp(join(root, part), join(folder, part), {
      recursive: true,
      // The clients of docs/ are installed there by their tests: eleven thousand files that are no source.
      filter: (path) => basename(path) !== 'node_modules',
    })
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const { file, from, to } of changes) {
    const path = join(folder, file)
    const source = await Bun.file(path).text()
    const changed = source.replaceAll(from instanceof RegExp ? new RegExp(from, 'g') : from, to)
    if (changed === source) throw new Error(`Mutant '${name}' finds nothing to change in ${file}`)
    await Bun.write(path, changed)
  }
}
