import { expect, test } from 'bun:test'
import { Glob } from 'bun'

const NAME = /\b(security|modules|plugins)\/([a-z-]+(?:\/[a-z-]+)?)(?![\w./*-])/g

test.each(['docs/threat-model.md', 'docs/asvs.md'])(
  '%s names tests and scripts that exist',
  async (page) => {
    const text = await Bun.file(page).text()
    const { scripts } = await Bun.file('package.json').json()
    const missing: string[] = []
    let named = 0
    for (const row of text.split('\n').filter((line) => line.startsWith('|'))) {
      for (const [, script = ''] of row.matchAll(/`bun run ([\w:]+)`/g)) {
        if (!(script in scripts)) missing.push(script)
      }
      // What stands in backticks is code.
      for (const [, folder, name] of row.replaceAll(/`[^`]*`/g, '').matchAll(NAME)) {
        named++
        const places = [`test/${folder}/${name}.test.ts`, `test/${folder}/${name}/**/*.test.ts`]
        const found = places.flatMap((place) => [...new Glob(place).scanSync()])
        if (found.length === 0) missing.push(`${folder}/${name}`)
      }
    }
    expect(missing).toEqual([])
    expect(named).toBeGreaterThan(10)
  },
)
