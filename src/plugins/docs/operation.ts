import { IDEMPOTENT } from '#src/lib/problems/catalogue.ts'
import { exampleOf } from './example.ts'
import { headersOf } from './headers.ts'
import { describeProblem } from './problem-response.ts'
import type { Schemas } from './schema.ts'
import type { PluginOperation } from './swagger.ts'
import { bodiesOutsideSchemas, describeParameter, otherMediaTypes, successes } from './texts.ts'
import type {
  ApiResponse,
  DescribedRoute,
  JsonSchema,
  MediaType,
  Operation,
  Parameter,
  Reference,
  RequestBody,
} from './types.ts'

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'

/** One operation of the document: what the plugin read, with bodies, answers, headers and security put right. */
export function toOperation(
  route: DescribedRoute,
  path: string,
  read: PluginOperation,
  schemas: Schemas,
): Operation {
  const name = `${route.method} ${route.path}`
  const { detail = {}, body } = route.hooks
  const { tags = [], summary = '', description, security = [] } = detail
  const parameters = toParameters(name, path, read, schemas)
  const requestBody =
    bodiesOutsideSchemas[name] ??
    (body ? toRequestBody(read.operationId, body, schemas) : undefined)
  return {
    operationId: read.operationId,
    tags,
    summary,
    ...(description === undefined ? {} : { description }),
    security,
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(requestBody ? { requestBody } : {}),
    responses: toResponses(name, route.hooks.response, schemas),
  }
}

function toParameters(
  name: string,
  path: string,
  read: PluginOperation,
  schemas: Schemas,
): (Parameter | Reference)[] {
  const parameters: (Parameter | Reference)[] = (read.parameters ?? []).map((given) => {
    const { examples, ...schema } = schemas.convert(given.schema)
    const example = Array.isArray(given.examples) ? given.examples[0] : examples?.[0]
    const description = given.description ?? describeParameter(path, given.name)
    return {
      name: given.in === 'header' ? capitalize(given.name) : given.name,
      in: given.in,
      required: given.in === 'path' || given.required,
      ...(description === undefined ? {} : { description }),
      schema,
      ...(example === undefined ? {} : { example }),
    }
  })
  if (IDEMPOTENT.test(name)) parameters.push({ $ref: '#/components/parameters/IdempotencyKey' })
  if (name === 'POST /v1/webhook/stripe') {
    parameters.push({ $ref: '#/components/parameters/StripeSignature' })
  }
  return parameters
}

/** `last-event-id` to `Last-Event-Id`: Elysia wants header names in lower case, people do not. */
function capitalize(header: string): string {
  return header.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())
}

function toRequestBody(operationId: string, body: unknown, schemas: Schemas): RequestBody {
  const name = `${operationId[0]?.toUpperCase()}${operationId.slice(1)}Body`
  const schema = schemas.name(name, schemas.convert(body))
  const media = toMediaType(schema, schemas)
  const isObject = schemas.resolve(schema).type === 'object'
  const optional = typeof body === 'object' && body !== null && isOptional(body)
  return {
    required: !optional,
    content: { [JSON_TYPE]: media, ...(isObject ? { [FORM_TYPE]: media } : {}) },
  }
}

/** TypeBox marks `t.Optional` with a symbol, which the plugin overlooks on bodies. */
function isOptional(schema: object): boolean {
  return Symbol.for('TypeBox.Optional') in schema
}

function toResponses(
  name: string,
  response: unknown,
  schemas: Schemas,
): Record<string, ApiResponse> {
  return Object.fromEntries(
    responseEntries(response).map(([status, schema]) => [
      status,
      Number(status) >= 400
        ? describeProblem(name, Number(status), schemas.convertAnswer(schema))
        : toSuccess(name, Number(status), schemas.convertAnswer(schema), schemas),
    ]),
  )
}

function responseEntries(response: unknown): [string, unknown][] {
  if (response === undefined) return []
  const byStatus =
    typeof response === 'object' && response !== null && '200' in response === false
      ? Object.keys(response).every((key) => /^\d{3}$/.test(key))
      : typeof response === 'object'
  return byStatus && response !== null ? Object.entries(response) : [['200', response]]
}

function toSuccess(
  name: string,
  status: number,
  schema: JsonSchema,
  schemas: Schemas,
): ApiResponse {
  const resolved = schemas.resolve(schema)
  const description =
    schema.description ?? resolved.description ?? successes[status] ?? 'An answer.'
  const headers = headersOf(name, status)
  if (resolved.type === 'void') return { description, headers }
  const { contentMediaType = resolved.type === 'string' ? 'text/plain' : JSON_TYPE } = resolved
  const media = toMediaType(schema, schemas)
  const other = otherMediaTypes[name]
  return {
    description,
    headers,
    content: { [contentMediaType]: media, ...(other === undefined ? {} : { [other]: media }) },
  }
}

function toMediaType(schema: JsonSchema, schemas: Schemas): MediaType {
  const { examples, ...rest } = schema
  const example = exampleOf(schema, schemas)
  return { schema: rest, ...(example === undefined ? {} : { example }) }
}
