import { Elysia, type TSchema } from 'elysia'
import type { Described, DescribedRoute } from './types.ts'

const PATH = '/document'

interface PluginDocument {
  openapi: string
  paths: Record<string, Record<string, PluginOperation>>
}

export interface PluginOperation {
  operationId: string
  parameters?: PluginParameter[]
}

interface PluginParameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  description?: string
  examples?: unknown
  schema: unknown
}

/**
 * What `@elysiajs/swagger` makes of the routes: paths, operation ids and parameters. Its page and the bodies
 * it describes are not used (docs/decisions/050). It runs on an instance of its own whose routes answer
 * nothing, so that the app is not touched and its own two routes are published nowhere.
 */
export async function readWithPlugin({
  routes,
}: Pick<Described, 'routes'>): Promise<PluginDocument> {
  // Imported when first asked for: it brings a theme of 100 KB that serving needs never.
  const { swagger } = await import('@elysiajs/swagger')
  const stub = new Elysia().use(swagger({ path: PATH, excludeStaticFile: false }))
  for (const { method, path, hooks } of routes) {
    stub.route(method, path, () => '', { detail: hooks.detail ?? {}, ...parameterSchemas(hooks) })
  }
  const answer = await stub.handle(new Request(`http://localhost${PATH}/json`))
  // The plugin's own output, as its 1.3.1 writes it.
  return (await answer.json()) as PluginDocument
}

function parameterSchemas({ query, params, headers }: DescribedRoute['hooks']) {
  return {
    ...(isSchema(query) ? { query } : {}),
    ...(isSchema(params) ? { params } : {}),
    ...(isSchema(headers) ? { headers } : {}),
  }
}

function isSchema(schema: unknown): schema is TSchema {
  return typeof schema === 'object' && schema !== null
}
