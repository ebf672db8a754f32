import { PAGE_HEADERS } from '../guard.ts'

/** A message that was accepted. */
export interface ReceivedSms {
  to: string
  text: string
  /** `webhook-id`, or the sid that Twilio's stand-in made. */
  id: string
  at: Date
}

/** The newest messages first; the page loads itself again each second or two. */
export function inboxPage(messages: readonly ReceivedSms[]): Response {
  const rows = messages
    .toReversed()
    .map(
      ({ at, to, text }) =>
        `<tr><td>${at.toISOString().slice(11, 19)}</td><td>${Bun.escapeHTML(to)}</td><td>${Bun.escapeHTML(text)}</td></tr>`,
    )
  const table = rows.length > 0 ? `<table>${rows.join('')}</table>` : '<p>No message yet.</p>'
  return new Response(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="2">
<title>SMS stand-in</title><style>body{font:16px system-ui;margin:2rem}td{padding:.4rem 1rem .4rem 0}</style>
<h1>SMS stand-in</h1>${table}</html>`,
    { headers: PAGE_HEADERS },
  )
}
