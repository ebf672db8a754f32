import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { JsonSchema, OpenApi } from '#src/plugins/docs/types.ts'

/** Checks values against schemas of a document; an object may have no member that its schema does not name. */
export function createValidator(document: OpenApi) {
  const ajv = new Ajv2020({ allErrors: true, strict: true, strictTypes: false })
  addFormats(ajv)
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    ajv.addSchema(close(schema), `/schemas/${name}`)
  }
  const compiled = new Map<JsonSchema, ReturnType<typeof ajv.compile>>()
  return (schema: JsonSchema, value: unknown): string[] => {
    const check = compiled.get(schema) ?? ajv.compile(close(schema))
    compiled.set(schema, check)
    if (check(value)) return []
    return (check.errors ?? []).map(
      ({ instancePath, message, params }) =>
        `${instancePath || 'the body'} ${message} ${JSON.stringify(params)}`,
    )
  }
}

/** The schema with every object closed and references as ajv finds them. */
function close(schema: JsonSchema): JsonSchema {
  const closed: JsonSchema = { ...schema }
  if (schema.$ref) closed.$ref = schema.$ref.replace('#/components/schemas/', '/schemas/')
  if (schema.properties) {
    closed.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, part]) => [name, close(part)]),
    )
    closed.additionalProperties ??= false
  }
  if (schema.items && !Array.isArray(schema.items)) closed.items = close(schema.items)
  if (schema.prefixItems) closed.prefixItems = schema.prefixItems.map(close)
  if (schema.anyOf) closed.anyOf = schema.anyOf.map(close)
  return closed
}
