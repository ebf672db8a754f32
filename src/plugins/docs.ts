import { Elysia, t } from 'elysia'
import type { Clock } from '#src/lib/clock.ts'
import type { InFlight } from '#src/lib/in-flight.ts'
import { notFound } from '#src/lib/problem.ts'
import { SECOND } from '#src/lib/time.ts'
import { assets } from './docs/assets.ts'
import { buildDocument } from './docs/document.ts'
import { page } from './docs/html.ts'
import { createStatic } from './docs/static.ts'
import type { Described, OpenApi } from './docs/types.ts'
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
/** From the start of the server to when the document is made, which takes a tenth of a second once. */
const PREPARE_AFTER_MS = SECOND

const detail = { tags: ['Documentation'] }

/**
 * Swagger UI at `/swagger` and its document at `/swagger/json`; `described` may be filled after mounting. Where the
 * server listens, all of it is prepared soon after the start: its first reader is not to hold up everyone else.
 */
export function createDocs({
  described,
  origins,
  clock,
  readers,
}: {
  described: Described
  origins: Origins
  clock: Clock
  /** By network. */
  readers: InFlight
}) {
  const encode = (text: string) => new TextEncoder().encode(text)
  const pageItself = createStatic(HTML, async () => encode(page), readers)
  const document = createStatic(
    'application/json',
    async () => encode(JSON.stringify(await buildDocument(described))),
    readers,
  )
  const files = new Map(
    Object.entries(assets).map(([name, { file, type }]) => [
      name,
      createStatic(type, () => Bun.file(file).bytes(), readers),
    ]),
  )
  let cancel: (() => void) | undefined
  async function prepare() {
    for (const one of [document, pageItself, ...files.values()]) await one.prepare()
  }
  return new Elysia({ name: 'docs' })
    .use(origins)
    .onStart(() => {
      cancel = clock.after(PREPARE_AFTER_MS, () => {
        // What fails is tried again for the first reader, who is told.
        prepare().catch(() => undefined)
      })
    })
    .onStop(() => cancel?.())
    .get(
      '/swagger',
      ({ request, origin }) => pageItself.answer({ request, origin }, PAGE_HEADERS),
      {
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
      },
    )
    .get('/swagger/json', ({ request, origin }) => document.answer({ request, origin }), {
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
        const file = files.get(params.asset)
        if (!file) throw notFound()
        return file.answer({ request, origin }, PAGE_HEADERS)
      },
      { detail: { hide: true } },
    )
}

/** The document of an app that is not served: for the command line and the scripts. */
export function documentOf(app: { routes: Described['routes'] }): Promise<OpenApi> {
  return buildDocument(app)
}
