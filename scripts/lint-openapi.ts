/** Checks docs/openapi.json against the OpenAPI rules: `bun run lint:openapi`. */
import { lintOpenApi } from '#test/support/lint-openapi.ts'

const file = 'docs/openapi.json'
const faults = await lintOpenApi(await Bun.file(file).text())
for (const fault of faults) console.error(fault)
console.log(`${file}: ${faults.length} problems`)
process.exitCode = faults.length === 0 ? 0 : 1
