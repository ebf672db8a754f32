import { PAGE_HEADERS } from '../guard.ts'

/** Markup that is already safe. */
class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

type Part = string | number | Html | Part[] | null | undefined

/** Escapes whatever is put in, unless it is markup of its own making. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Html {
  return new Html(strings.reduce((all, string, at) => all + render(parts[at - 1]) + string))
}

function render(part: Part): string {
  if (part instanceof Html) return part.text
  if (Array.isArray(part)) return part.map(render).join('')
  return part === null || part === undefined ? '' : Bun.escapeHTML(String(part))
}

export function pageOf(title: string, body: Html, status = 200): Response {
  const page = html`<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; color: #1a1f36; background: #f6f8fb }
header { background: #4338ca; color: #fff; padding: .6rem 1.5rem; font-size: .9rem }
main { max-width: 64rem; margin: 1.5rem auto; padding: 0 1.5rem }
.card { background: #fff; border: 1px solid #e3e8ee; border-radius: 10px; padding: 1.2rem 1.5rem; margin-bottom: 1.2rem }
.narrow { max-width: 26rem; margin: 0 auto }
h1 { font-size: 1.4rem } h2 { font-size: 1.05rem; margin: 0 0 .6rem }
form { display: inline } table { border-collapse: collapse; width: 100%; font-size: .86rem }
td, th { text-align: left; padding: .3rem .8rem .3rem 0; border-top: 1px solid #eef1f5; vertical-align: top }
button { font: inherit; font-size: .84rem; padding: .25rem .7rem; margin: .1rem; border: 1px solid #c9d2de; border-radius: 6px; background: #fff; cursor: pointer }
button.main { background: #4338ca; border-color: #4338ca; color: #fff; font-size: 1rem; padding: .6rem; width: 100%; margin: .3rem 0 }
button.wide { width: 100%; padding: .6rem; margin: .3rem 0; font-size: 1rem }
.amount { font-size: 2rem; font-weight: 600 } .quiet { color: #5b6577; font-size: .86rem } .bad { color: #b42318 }
code { font-size: .82rem }
</style></head>
<body><header>Stripe stand-in · nothing here is real, no card is charged</header><main>${body}</main></body></html>`
  return new Response(page.text, {
    status,
    headers: PAGE_HEADERS,
  })
}
