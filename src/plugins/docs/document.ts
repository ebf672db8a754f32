import { namedWithin, ProblemBody, Quota, User } from '../schemas.ts'
import { headers, parameters } from './headers.ts'
import { toOperation } from './operation.ts'
import { createSchemas } from './schema.ts'
import { readWithPlugin } from './swagger.ts'
import { info, securitySchemes, tags } from './texts.ts'
import type { ApiResponse, Described, OpenApi, Operation, Reference } from './types.ts'

/** The OpenAPI 3.1 document of the app's routes. */
export async function buildDocument(described: Described): Promise<OpenApi> {
  const routes = described.routes.filter(({ hooks }) => hooks.detail?.hide !== true)
  const read = await readWithPlugin({ routes })
  const named = Object.fromEntries(routes.flatMap(({ hooks }) => namedWithin(hooks.response)))
  const schemas = createSchemas({ ...named, Problem: ProblemBody, Quota, User })
  const responses = createSharedResponses()
  const paths: OpenApi['paths'] = {}
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}')
    const method = route.method.toLowerCase()
    const operation = read.paths[path]?.[method]
    if (!operation) continue
    const repaired = responses.share(toOperation(route, path, operation, schemas))
    paths[path] = { ...paths[path], [method]: repaired }
  }
  return {
    openapi: '3.1.0',
    info,
    servers: [{ url: '/', description: 'This server' }],
    tags: tags.filter(({ name }) =>
      routes.some(({ hooks }) => hooks.detail?.tags?.includes(name) ?? false),
    ),
    paths,
    components: {
      schemas: schemas.components(),
      responses: responses.components,
      headers: onlyUsed('headers', headers, [paths, responses.components]),
      parameters: onlyUsed('parameters', parameters, paths),
      securitySchemes: onlySchemesOf(paths),
    },
  }
}

function onlySchemesOf(paths: OpenApi['paths']) {
  const used = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .flatMap(({ security }) => security.flatMap(Object.keys))
  return Object.fromEntries(Object.entries(securitySchemes).filter(([name]) => used.includes(name)))
}

function onlyUsed<C>(kind: string, components: Record<string, C>, within: unknown) {
  const text = JSON.stringify(within)
  return Object.fromEntries(
    Object.entries(components).filter(([name]) => text.includes(`"#/components/${kind}/${name}"`)),
  )
}

/** Gathers the refusals that many operations give alike, so that the document says each once. */
function createSharedResponses() {
  const components: Record<string, ApiResponse> = {}
  const names = new Map<string, string>()

  function refer(status: string, response: ApiResponse): ApiResponse | Reference {
    if (Number(status) < 400) return response
    const shape = JSON.stringify(response)
    const name = names.get(shape) ?? nextName(status)
    names.set(shape, name)
    components[name] = response
    return { $ref: `#/components/responses/${name}` }
  }

  function nextName(status: string): string {
    const taken = Object.keys(components).filter((name) => name.startsWith(`Problem${status}`))
    return `Problem${status}${taken.length === 0 ? '' : `v${taken.length + 1}`}`
  }

  return {
    components,
    share: (operation: Operation): Operation => ({
      ...operation,
      responses: Object.fromEntries(
        Object.entries(operation.responses).map(([status, response]) => [
          status,
          '$ref' in response ? response : refer(status, response),
        ]),
      ),
    }),
  }
}
