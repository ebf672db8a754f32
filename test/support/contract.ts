import type { Described, JsonSchema, OpenApi } from '#src/plugins/docs/types.ts'
import { documentOf } from '#src/plugins/docs.ts'
import { createValidator } from './json-schema.ts'

export type Contract = Awaited<ReturnType<typeof createContract>>

interface ResponseSpec {
  headers?: Record<string, { $ref: string }>
  content?: Record<string, { schema: JsonSchema }>
}

/**
 * Holds real answers against the document the app publishes: the status is declared, the media type is
 * one of those named, the body matches its schema and has no member beside it, the headers that are
 * promised are there.
 */
export async function createContract(app: { routes: Described['routes'] }) {
  const document = await documentOf(app)
  const validate = createValidator(document)
  const templates = Object.keys(document.paths)
    // A fixed segment wins over a parameter, as in the router.
    .sort((a, b) => a.split('{').length - b.split('{').length)
    .map((path) => ({
      path,
      pattern: new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    }))

  /** What is wrong with an answer; empty when nothing is. Reads a copy of the body. */
  async function faultsOf(method: string, url: string, answer: Response): Promise<string[]> {
    const { pathname } = new URL(url, 'http://localhost')
    const template = templates.find(({ pattern }) => pattern.test(pathname))
    const operation = template && document.paths[template.path]?.[method.toLowerCase()]
    if (!operation) return unroutedFaults(answer)
    const declared = operation.responses[answer.status]
    if (!declared) return [`${answer.status} is not declared`]
    const response = dereference(document, declared)
    return [...headerFaults(document, response, answer), ...(await bodyFaults(response, answer))]
  }

  async function bodyFaults(response: ResponseSpec, answer: Response): Promise<string[]> {
    const type = mediaType(answer)
    const content = response.content ?? {}
    if (Object.keys(content).length === 0) {
      const text = await answer.clone().text()
      return text === '' ? [] : ['a body is given where none is declared']
    }
    const media = content[type]
    if (!media) return [`${type} is not one of ${Object.keys(content).join(', ')}`]
    if (!/[/+]json$/.test(type)) return []
    return validate(media.schema, await answer.clone().json())
  }

  return {
    document,
    faultsOf,
    /** @throws Error naming the request and each fault of its answer */
    async check(method: string, url: string, answer: Response): Promise<void> {
      const faults = await faultsOf(method, url, answer)
      if (faults.length === 0) return
      throw new Error(
        `${method} ${url} breaks the OpenAPI document (${answer.status}):\n${faults.join('\n')}`,
      )
    },
  }
}

/** Where no operation is documented only a refusal is right: an unknown path, a wrong method, an asset. */
function unroutedFaults(answer: Response): string[] {
  if (answer.status < 300 || answer.status === 304) return []
  return mediaType(answer) === 'application/problem+json' ? [] : ['the refusal is not a problem']
}

function headerFaults(document: OpenApi, response: ResponseSpec, answer: Response): string[] {
  return Object.keys(response.headers ?? {}).flatMap((name) => {
    const header = document.components.headers[name]
    return header?.required && !answer.headers.has(name) ? [`the header ${name} is missing`] : []
  })
}

function dereference(document: OpenApi, response: ResponseSpec | { $ref: string }): ResponseSpec {
  if (!('$ref' in response)) return response
  return document.components.responses[response.$ref.split('/').at(-1) ?? ''] ?? {}
}

function mediaType(answer: Response): string {
  return (answer.headers.get('content-type') ?? '').split(';')[0]?.trim() ?? ''
}
