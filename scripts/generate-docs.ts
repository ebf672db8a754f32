/**
 * Writes docs/openapi.json and the Postman collection from the routes of the app: `bun run docs:generate`
 * after a change of a route; a test tells when it was forgotten.
 */
import { generateDocs } from './docs.ts'

for (const [file, text] of Object.entries(await generateDocs())) await Bun.write(file, text)
