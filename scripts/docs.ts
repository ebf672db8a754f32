import { documentOf } from '#src/plugins/docs.ts'
import { createWholeApp } from '#test/support/whole-app.ts'
import { toCollection } from './postman/collection.ts'

/** The generated files of docs/, by their path. */
export async function generateDocs(): Promise<Record<string, string>> {
  const document = await documentOf(createWholeApp().app)
  return {
    'docs/openapi.json': print(document),
    'docs/pollux.postman_collection.json': print(toCollection(document)),
  }
}

function print(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
