import { expect, test } from 'bun:test'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { createPerson, missing, until } from '#test/ops/faults/chat.ts'
import { createWorld, type Launch } from './world.ts'

const TEST_MS = 60_000
/** A minute of night that comes soon, and goes on from there. */
const ALMOST = '@2026-11-24 03:14:54'
const hasFaketime = Bun.which('faketime') !== null
if (!hasFaketime) console.log('SKIPPED nightly: it needs faketime (apt-get install faketime)')

/** The backup of the night, made by the server itself at the time it says. */
export function testNightly(launch: () => Promise<Launch>): void {
  test.skipIf(!hasFaketime)(
    'at 03:15 it backs itself up by a process of its own, keeps so many and removes what is older',
    async () => {
      const settings: Record<string, string> = {
        ...{ BACKUP_KEEP: '2', QUOTA_TIMEZONE: 'UTC' },
        // The linker knows what $LIB is. Not by the command itself, which stays between us and the server.
        ...{ LD_PRELOAD: '/usr/$LIB/faketime/libfaketime.so.1', FAKETIME: ALMOST },
      }
      await using here = await createWorld(await launch(), { settings })
      const folder = here.file('backups')
      settings['BACKUP_DIR'] = folder
      mkdirSync(folder)
      const nights = ['20261121', '20261122', '20261123'].map((day) => `pollux-${day}T031500Z.db`)
      const torn = 'pollux-20261120T031500Z.db.partial'
      for (const name of [...nights, torn, 'of-mine.db']) writeFileSync(`${folder}/${name}`, '')
      await here.start()
      const person = await createPerson(here)
      expect(await person.prompt()).toBe(202)
      const tonight = /^pollux-20261124T0315\d\dZ\.db$/
      const names = await until(
        async () => readdirSync(folder).sort(),
        (files) => files.some((name) => tonight.test(name)) && files.length === 3,
      )
      expect(names.slice(0, 2)).toEqual(['of-mine.db', 'pollux-20261123T031500Z.db'])
      expect(missing(`${folder}/${names[2]}`, person.acknowledged)).toEqual([])
    },
    TEST_MS,
  )
}
