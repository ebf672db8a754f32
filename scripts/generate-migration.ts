/**
 * Makes the next migration from drizzle/schema.ts: drizzle-kit writes the SQL, then each new table is made
 * STRICT (which Drizzle cannot express) and the index that embeds the files in the binary is written anew.
 * `bun run db:generate -- --name <what-changed>`; review the SQL before committing it.
 */
import { Glob } from 'bun'

const folder = 'drizzle/migrations'
const before = new Set(await sqlFiles())
const generate = Bun.spawnSync(
  [
    'bunx',
    'drizzle-kit',
    'generate',
    '--config',
    'drizzle/drizzle.config.ts',
    ...Bun.argv.slice(2),
  ],
  { stdio: ['inherit', 'inherit', 'inherit'] },
)
if (generate.exitCode !== 0) process.exit(generate.exitCode)

const files = await sqlFiles()
for (const file of files.filter((name) => !before.has(name))) {
  const path = `${folder}/${file}`
  const sql = await Bun.file(path).text()
  await Bun.write(
    path,
    sql.replaceAll(/^\);$/gm, ') STRICT;').replaceAll(/^\);(?=-->)/gm, ') STRICT;'),
  )
}

const names = files.map((file) => file.replace(/\.sql$/, ''))
const imports = names.map(
  (name, at) => `import sql${at} from './${name}.sql' with { type: 'text' }`,
)
const entries = names.map((name, at) => `  { name: '${name}', sql: sql${at} },`)
await Bun.write(
  `${folder}/index.ts`,
  `// Written by scripts/generate-migration.ts: the SQL is embedded, a single binary has no files beside it.\n${imports.join('\n')}\n\nexport const migrations = [\n${entries.join('\n')}\n]\n`,
)

async function sqlFiles(): Promise<string[]> {
  return (await Array.fromAsync(new Glob('*.sql').scan(folder))).sort()
}
