import { Elysia, t } from 'elysia'
import { notFound } from '#src/lib/problem.ts'
import { problemCatalogue } from '#src/lib/problems/catalogue.ts'
import type { ProblemKind } from '#src/lib/problems/kind.ts'
import { STATUS_PHRASES } from '#src/lib/status.ts'
import { problems } from './schemas.ts'

const STYLE = `body{font:1rem/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem;color:#222;background:#fff}
h1{font-size:1.5rem;margin-bottom:0}p.status{color:#666;margin-top:.25rem}h2{font-size:1.1rem;margin-bottom:0}h2+p{margin-top:.25rem}
code{background:#8882;padding:.1em .3em;border-radius:.2em}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1c1c1e}p.status{color:#999}}`

const HEADERS = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${hash(STYLE)}'; frame-ancestors 'none'`,
  'x-content-type-options': 'nosniff',
  'cache-control': 'public, max-age=3600',
  // The fields that CORS adds go by the origin.
  vary: 'accept, origin',
}

const kinds = new Map<string, ProblemKind>(Object.entries(problemCatalogue))

/** `GET /problems/<slug>`: where the `type` of a problem leads, for a person. A page for browsers, else text. */
export function createProblemPages() {
  return new Elysia({ name: 'problem-pages' }).get(
    '/problems/:slug',
    ({ params, request }) => {
      const kind = kinds.get(params.slug)
      if (!kind) throw notFound()
      const html = request.headers.get('accept')?.includes('text/html') ?? false
      return new Response(html ? toPage(params.slug, kind) : toText(params.slug, kind), {
        headers: { ...HEADERS, 'content-type': `text/${html ? 'html' : 'plain'}; charset=utf-8` },
      })
    },
    {
      response: {
        200: t.String({
          description: 'What the problem means and what to do; HTML where `Accept` names it.',
          examples: ['not-found (404 Not Found)\n\nWhat it means\n…\n\nWhat to do\n…\n'],
        }),
        ...problems(404),
      },
      detail: { tags: ['Documentation'], summary: 'What a problem’s `type` means' },
    },
  )
}

function toText(slug: string, kind: ProblemKind): string {
  return `${slug} (${statusOf(kind)})\n\nWhat it means\n${kind.meaning}\n\nWhat to do\n${kind.remedy}\n`
}

function toPage(slug: string, kind: ProblemKind): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${slug} – Pollux</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${slug}</h1>
<p class="status">${statusOf(kind)}</p>
<h2>What it means</h2>
<p>${mark(kind.meaning)}</p>
<h2>What to do</h2>
<p>${mark(kind.remedy)}</p>
</body>
</html>
`
}

function statusOf({ status }: ProblemKind): string {
  return `${status} ${STATUS_PHRASES[status]}`
}

/** Our own sentences as HTML, with what stands in backquotes as code. */
function mark(text: string): string {
  return Bun.escapeHTML(text).replaceAll(/`(.+?)`/g, '<code>$1</code>')
}

function hash(text: string): string {
  return new Bun.CryptoHasher('sha256').update(text).digest('base64')
}
