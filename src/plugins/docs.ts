import { Elysia, t } from 'elysia'
import { notFound } from '#src/lib/problem.ts'
import { assets } from './docs/assets.ts'
import { buildDocument } from './docs/document.ts'
import { page } from './docs/html.ts'
import { createStatic } from './docs/static.ts'
import type { Described, OpenApi } from './docs/types.ts'
import type { InFlight } from './in-flight.ts'
import type { Origins } from './origin.ts'
import { problems } from './schemas.ts'

/** The page may load, and call, this server alone; its icons are data URIs of Swagger UI's own style sheet. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const PAGE_HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}

const HTML = 'text/html; charset=utf-8'
const Unchanged = t.Void({ description: 'As in the answer whose ETag was given.' })
const detail = { tags: ['Documentation'] }

/** Swagger UI at `/swagger` and its document at `/swagger/json`; `described` may be filled after mounting. */
export function createDocs({
  described,
  origins,
  readers,
}: {
  described: Described
  origins: Origins
  /** By network. */
  readers: InFlight
}) {
  const encode = (text: string) => new TextEncoder().encode(text)
  const sendPage = createStatic(HTML, async () => encode(page), readers)
  const sendDocument = createStatic(
    'application/json',
    async () => encode(JSON.stringify(await buildDocument(described))),
    readers,
  )
  const sendAsset = new Map(
    Object.entries(assets).map(([name, { file, type }]) => [
      name,
      createStatic(type, () => Bun.file(file).bytes(), readers),
    ]),
  )
  return new Elysia({ name: 'docs' })
    .use(origins)
    .get('/swagger', ({ request, origin }) => sendPage({ request, origin }, PAGE_HEADERS), {
      response: {
        200: t.String({
          contentMediaType: 'text/html',
          description: 'The page.',
          examples: ['<!doctype html>'],
        }),
        304: Unchanged,
        ...problems(429),
      },
      detail: { ...detail, summary: 'Swagger UI: this document as a page to try it out on' },
    })
    .get('/swagger/json', ({ request, origin }) => sendDocument({ request, origin }), {
      response: {
        200: t.Object(
          { openapi: t.String(), paths: t.Object({}, { additionalProperties: true }) },
          {
            description: 'The OpenAPI document.',
            additionalProperties: true,
            examples: [{ openapi: '3.1.0', paths: {} }],
          },
        ),
        304: Unchanged,
        ...problems(429),
      },
      detail: { ...detail, summary: 'This document' },
    })
    .get(
      '/swagger/:asset',
      ({ params, request, origin }) => {
        const send = sendAsset.get(params.asset)
        if (!send) throw notFound()
        return send({ request, origin }, PAGE_HEADERS)
      },
      { detail: { hide: true } },
    )
}

/** The document of an app that is not served: for the command line and the scripts. */
export function documentOf(app: { routes: Described['routes'] }): Promise<OpenApi> {
  return buildDocument(app)
}
