import { expect, test } from 'bun:test'
import { Glob } from 'bun'
import { problemCatalogue } from '#src/plugins/problem-catalogue.ts'
import { createTestApp } from '#test/support/test-app.ts'

const SLUG = /new Problem\(\s*(\d{3}),\s*'([^']+)'/g

test('every slug of the code is in the catalogue with its status, and the catalogue has no other', async () => {
  const used = new Map<string, number>()
  for await (const file of new Glob('src/**/*.ts').scan()) {
    for (const [, status, slug] of (await Bun.file(file).text()).matchAll(SLUG)) {
      if (slug !== undefined) used.set(slug, Number(status))
    }
  }
  const told = Object.entries(problemCatalogue).map(([slug, { status }]) => [slug, status] as const)
  // If this fails for a new slug: explain it in src/plugins/problem-catalogue.ts.
  expect(Object.fromEntries([...told].sort())).toEqual(Object.fromEntries([...used].sort()))
})

test('no Problem is made with a slug that the catalogue test cannot read', async () => {
  for await (const file of new Glob('src/**/*.ts').scan()) {
    // Makes again what was made elsewhere.
    if (file.endsWith('database/sqlite/wire.ts')) continue
    const text = await Bun.file(file).text()
    const made = text.match(/new Problem\(/g)?.length ?? 0
    expect([file, [...text.matchAll(SLUG)].length]).toEqual([file, made])
  }
})

test('GET /problems/<slug> explains each slug, as a page to a browser and as text to others', async () => {
  const { send } = createTestApp()
  for (const slug of Object.keys(problemCatalogue)) {
    const text = await send('GET', `/problems/${slug}`)
    expect([slug, text.status]).toEqual([slug, 200])
    expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8')
    const page = await send('GET', `/problems/${slug}`, { headers: { accept: 'text/html,*/*' } })
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await page.text()).toContain(`<h1>${slug}</h1>`)
  }
})

test('GET /problems/<unknown> is 404, also for names every object has', async () => {
  const { send } = createTestApp()
  for (const slug of ['nope', '__proto__', 'constructor', 'toString']) {
    expect((await send('GET', `/problems/${slug}`)).status).toBe(404)
  }
})

test('the page’s policy allows its own style sheet and nothing else', async () => {
  const { send } = createTestApp()
  const page = await send('GET', '/problems/validation', { headers: { accept: 'text/html' } })
  const style = /<style>([^<]*)<\/style>/.exec(await page.text())?.[1] ?? ''
  const hash = new Bun.CryptoHasher('sha256').update(style).digest('base64')
  expect(page.headers.get('content-security-policy')).toBe(
    `default-src 'none'; style-src 'sha256-${hash}'; frame-ancestors 'none'`,
  )
})
