/**
 * Writes docs/openapi.json from the routes of the app, as `GET /swagger/json` serves it.
 * `bun run docs:generate` after a change of a route; a test tells when it was forgotten.
 */
import { documentOf } from '#src/plugins/docs.ts'
import { createWholeApp } from '#test/support/whole-app.ts'

const document = await documentOf(createWholeApp().app)
await Bun.write('docs/openapi.json', `${JSON.stringify(document, null, 2)}\n`)
