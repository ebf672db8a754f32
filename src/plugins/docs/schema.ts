import type { JsonSchema } from './types.ts'

const REF = '#/components/schemas/'
/** String formats by which Elysia marks the text form of a number or a boolean. */
const COERCIONS = new Set(['integer', 'numeric', 'boolean'])

/** Turns route schemas into OpenAPI's, each shared one into a reference to its component. */
export function createSchemas(models: Record<string, unknown>) {
  const plain = new Map(
    Object.entries(models).map(([name, model]) => [name, open(toJsonSchema(model))] as const),
  )
  const names = new Map([...plain].map(([name, schema]) => [shapeOf(schema), name]))

  /** A schema as written in a route: a name, or a schema whose named parts become references. */
  function convert(schema: unknown): JsonSchema {
    if (typeof schema === 'string') return { $ref: REF + schema }
    return refer(toJsonSchema(schema))
  }

  /** An answer's schema, the same whether or not Elysia has compiled its route. */
  function convertAnswer(schema: unknown): JsonSchema {
    return typeof schema === 'string' ? convert(schema) : refer(open(toJsonSchema(schema)))
  }

  function refer(schema: JsonSchema): JsonSchema {
    const name = schema.type === 'object' ? names.get(shapeOf(schema)) : undefined
    if (name === undefined) return mapParts(schema, refer)
    const { description } = schema
    const own = description !== undefined && description !== plain.get(name)?.description
    return { $ref: REF + name, ...(own ? { description } : {}) }
  }

  const components = Object.fromEntries(
    [...plain].map(([name, schema]) => [name, mapParts(schema, refer)] as const),
  )

  return {
    convert,
    convertAnswer,
    /** Makes a schema that nobody named a component, so that two media types can share it. */
    name(name: string, schema: JsonSchema): JsonSchema {
      if (schema.$ref !== undefined || schema.type !== 'object') return schema
      plain.set(name, schema)
      components[name] = schema
      return { $ref: REF + name }
    },
    /** The schema itself, were it named or not. */
    resolve(schema: JsonSchema): JsonSchema {
      return schema.$ref === undefined ? schema : (plain.get(schema.$ref.slice(REF.length)) ?? {})
    },
    components: () => Object.fromEntries(Object.entries(components).sort(byName)),
  }
}

export type Schemas = ReturnType<typeof createSchemas>

/** TypeBox to JSON Schema: without the validator's error texts and Elysia's doubles for text input. */
export function toJsonSchema(schema: unknown): JsonSchema {
  // A TypeBox schema is a JSON Schema once its symbols are gone, which JSON leaves out.
  return clean(JSON.parse(JSON.stringify(schema)) as JsonSchema)
}

function clean(schema: JsonSchema): JsonSchema {
  const { error, nullable, noValidate, $id, patternProperties, additionalItems, ...rest } = schema
  const cleaned = mapParts(fromTuple(rest), clean)
  if (patternProperties) {
    const [values] = Object.values(patternProperties)
    if (values) cleaned.additionalProperties = clean(values)
  }
  if (schema.$ref !== undefined && !schema.$ref.startsWith('#')) cleaned.$ref = REF + schema.$ref
  return cleaned.anyOf ? cleanUnion(cleaned, cleaned.anyOf) : cleaned
}

/** TypeBox writes a tuple as drafts before 2020-12 did. */
function fromTuple(schema: JsonSchema): JsonSchema {
  const { items, ...rest } = schema
  return Array.isArray(items) ? { ...rest, prefixItems: items, items: false } : schema
}

function cleanUnion(union: JsonSchema, all: JsonSchema[]): JsonSchema {
  const { anyOf: _, ...rest } = union
  const members = all.filter(
    ({ type, format }) => type !== 'string' || !COERCIONS.has(format ?? ''),
  )
  const [first] = members
  if (first && members.length === 1) return { ...first, ...rest }
  if (members.every((member) => member.const !== undefined)) {
    return { ...rest, type: 'string', enum: members.map((member) => member.const) }
  }
  const others = members.filter(({ type }) => type !== 'null')
  const [only] = others
  if (only && others.length === 1 && members.length === 2 && isPlainScalar(only)) {
    return { ...only, ...rest, type: [only.type, 'null'] }
  }
  return { ...rest, anyOf: members }
}

function isPlainScalar(schema: JsonSchema): schema is JsonSchema & { type: string } {
  return (
    typeof schema.type === 'string' &&
    schema.type !== 'object' &&
    schema.enum === undefined &&
    schema.const === undefined
  )
}

function mapParts(schema: JsonSchema, map: (part: JsonSchema) => JsonSchema): JsonSchema {
  const mapped = { ...schema }
  if (schema.properties) {
    mapped.properties = Object.fromEntries(
      Object.entries(schema.properties).map(([name, part]) => [name, map(part)]),
    )
  }
  if (isOneSchema(schema.items)) mapped.items = map(schema.items)
  if (schema.prefixItems) mapped.prefixItems = schema.prefixItems.map(map)
  if (schema.anyOf) mapped.anyOf = schema.anyOf.map(map)
  if (typeof schema.additionalProperties === 'object') {
    mapped.additionalProperties = map(schema.additionalProperties)
  }
  return mapped
}

/** Items are a schema, or `false` after those of a tuple. */
function isOneSchema(items: JsonSchema['items']): items is JsonSchema {
  return typeof items === 'object' && !Array.isArray(items)
}

/** Elysia closes the schema of an answer, in place, when its route is first asked; that says nothing to a client. */
function open(schema: JsonSchema): JsonSchema {
  const { additionalProperties, ...rest } = schema
  return mapParts(additionalProperties === false ? rest : schema, open)
}

/** Equal for two schemas that differ only in what they say of themselves. */
function shapeOf(schema: JsonSchema): string {
  const { description, examples, ...shape } = schema
  return JSON.stringify(sortKeys(shape))
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, part]) => [name, sortKeys(part)] as const)
      .sort(byName),
  )
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}
