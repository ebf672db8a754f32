const texts = {
  paid: [
    'Thank you',
    'Your payment is being taken in; Pro starts in a moment. You may close this page.',
  ],
  cancelled: ['Nothing was paid', 'You turned back. You may close this page.'],
  portal: ['All set', 'Your changes count from now on. You may close this page.'],
} as const

/** The page to which Stripe sends a browser back where the operator configured none. A visit proves no payment. */
export function page(outcome: keyof typeof texts = 'portal'): Response {
  const [title, text] = texts[outcome]
  return new Response(
    `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${title}</title><style>body{font:18px/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;text-align:center}</style>
<h1>${title}</h1><p>${text}</p></html>`,
    {
      headers: {
        'content-type': 'text/html; charset=utf-8',
        'content-security-policy':
          "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      },
    },
  )
}
