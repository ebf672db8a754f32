import { expect, test } from 'bun:test'
import { Glob } from 'bun'
import { problemCatalogue } from '#src/lib/problems/catalogue.ts'
import { createTestApp } from '#test/support/test-app.ts'

const NAMED = /\bproblem\(\s*'([^']+)'/g
const WRITTEN_OUT = /new Problem\(\s*(\d{3}),\s*'([^']+)'/g

test('every slug of the code is in the catalogue with its status, and the catalogue has no other', async () => {
  const statuses = new Map(
    Object.entries(problemCatalogue).map(([slug, kind]) => [slug, kind.status]),
  )
  const used = new Map<string, number>()
  for await (const file of new Glob('src/**/*.ts').scan()) {
    const text = await Bun.file(file).text()
    for (const [, slug = ''] of text.matchAll(NAMED))
      used.set(slug, statuses.get(slug) ?? Number.NaN)
    for (const [, status, slug = ''] of text.matchAll(WRITTEN_OUT)) {
      expect([file, slug, statuses.get(slug)]).toEqual([file, slug, Number(status)])
      used.set(slug, Number(status))
    }
  }
  // If this fails for a new slug: explain it in src/lib/problems/catalogue.ts.
  expect(Object.fromEntries([...statuses].sort())).toEqual(Object.fromEntries([...used].sort()))
})

test('no Problem is made with a slug that the catalogue test cannot read', async () => {
  // The first takes the slug from its caller, the second rebuilds a Problem of another thread.
  const readers = ['src/lib/problem.ts', 'src/database/sqlite/wire.ts']
  for await (const file of new Glob('src/**/*.ts').scan()) {
    const text = await Bun.file(file).text()
    const named = text.match(/(?<!function )\bproblem\(/g)?.length ?? 0
    expect([file, [...text.matchAll(NAMED)].length]).toEqual([file, named])
    if (readers.includes(file)) continue
    const writtenOut = text.match(/new Problem\(/g)?.length ?? 0
    expect([file, [...text.matchAll(WRITTEN_OUT)].length]).toEqual([file, writtenOut])
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
