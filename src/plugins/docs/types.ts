/** A JSON Schema, as OpenAPI 3.1 takes it. */
export interface JsonSchema {
  type?: string | string[]
  description?: string
  examples?: unknown[]
  properties?: Record<string, JsonSchema>
  required?: string[]
  items?: JsonSchema | JsonSchema[] | false
  prefixItems?: JsonSchema[]
  anyOf?: JsonSchema[]
  enum?: unknown[]
  const?: unknown
  format?: string
  $ref?: string
  contentMediaType?: string
  additionalProperties?: boolean | JsonSchema
  patternProperties?: Record<string, JsonSchema>
  [keyword: string]: unknown
}

interface Example {
  summary?: string
  value: unknown
}

export interface MediaType {
  schema: JsonSchema
  example?: unknown
  examples?: Record<string, Example>
}

export interface Reference {
  $ref: string
}

export interface Header {
  description: string
  required?: boolean
  schema: JsonSchema
  example?: unknown
}

export interface ApiResponse {
  description: string
  headers?: Record<string, Reference>
  content?: Record<string, MediaType>
}

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  description?: string
  required: boolean
  schema: JsonSchema
  example?: unknown
}

export interface RequestBody {
  description?: string
  required: boolean
  content: Record<string, MediaType>
}

export interface Operation {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  security: Record<string, string[]>[]
  parameters?: (Parameter | Reference)[]
  requestBody?: RequestBody
  responses: Record<string, ApiResponse | Reference>
}

export interface OpenApi {
  openapi: string
  info: Record<string, unknown>
  servers: { url: string; description: string }[]
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, JsonSchema>
    responses: Record<string, ApiResponse>
    headers: Record<string, Header>
    parameters: Record<string, Parameter>
    securitySchemes: Record<string, Record<string, string>>
  }
}

/** What the document is made from. */
export interface Described {
  routes: readonly DescribedRoute[]
}

export interface DescribedRoute {
  method: string
  path: string
  hooks: RouteHooks
}

export interface RouteHooks {
  detail?: RouteDetail | undefined
  body?: unknown
  query?: unknown
  params?: unknown
  headers?: unknown
  response?: unknown
}

interface RouteDetail {
  tags?: string[]
  summary?: string
  description?: string
  operationId?: string
  security?: Record<string, string[]>[]
  hide?: boolean
}
