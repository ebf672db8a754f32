import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Glob } from 'bun'

const pages = [
  ...new Glob('*.md').scanSync(),
  ...new Glob('docs/*.md').scanSync(),
  ...new Glob('docs/{decisions,clients}/**/*.md').scanSync(),
].filter((page) => !page.includes('node_modules'))

test.each(pages)('every link in %s leads to a file', async (page) => {
  const text = await Bun.file(page).text()
  const links = [...text.matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)].map(([, link = '']) => link)
  expect(links.filter((link) => !existsSync(join(dirname(page), link)))).toEqual([])
})

test.each(pages)('every path in backticks in %s exists', async (page) => {
  const text = await Bun.file(page).text()
  const paths = [
    ...text.matchAll(/`((?:src|test|standins|drizzle|scripts|bench|deploy)\/[\w./-]+\.\w+)`/g),
  ].map(([, path = '']) => path)
  expect(paths.filter((path) => !existsSync(path))).toEqual([])
})

test('the index of the decisions names each of them once', async () => {
  const index = await Bun.file('docs/decisions/README.md').text()
  const named = [...index.matchAll(/\]\((\d{3}-[\w-]+\.md)\)/g)].map(([, file]) => file)
  const there = [...new Glob('[0-9]*.md').scanSync('docs/decisions')]
  expect(named.sort()).toEqual(there.sort())
})
