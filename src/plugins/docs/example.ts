import type { Schemas } from './schema.ts'
import type { JsonSchema } from './types.ts'

/**
 * An example of a schema: the one it gives, else one put together from its parts. Undefined where a part
 * that must be there gives none: an invented value would teach nothing.
 */
export function exampleOf(schema: JsonSchema, schemas: Schemas): unknown {
  const resolved = schemas.resolve(schema)
  if (resolved.examples && resolved.examples.length > 0) return resolved.examples[0]
  if (resolved.const !== undefined) return resolved.const
  if (resolved.enum) return resolved.enum[0]
  if (resolved.anyOf) return exampleOfUnion(resolved.anyOf, schemas)
  if (resolved.type === 'array' && resolved.items && !Array.isArray(resolved.items)) {
    const item = exampleOf(resolved.items, schemas)
    return item === undefined ? undefined : [item]
  }
  if (resolved.type === 'object') return exampleOfObject(resolved, schemas)
  if (resolved.type === 'boolean') return true
  return Array.isArray(resolved.type) && resolved.type.includes('null') ? null : undefined
}

function exampleOfUnion(members: JsonSchema[], schemas: Schemas): unknown {
  for (const member of members) {
    const example = exampleOf(member, schemas)
    if (example !== undefined) return example
  }
  return members.some(({ type }) => type === 'null') ? null : undefined
}

function exampleOfObject(schema: JsonSchema, schemas: Schemas): unknown {
  const example: Record<string, unknown> = {}
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const value = exampleOf(part, schemas)
    if (value !== undefined) example[name] = value
    else if (schema.required?.includes(name)) return undefined
  }
  return example
}
