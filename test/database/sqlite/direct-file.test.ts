import { expect, test } from 'bun:test'
import {
  constants,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs'
import { openDirect } from '#src/database/sqlite/direct-file.ts'
import { temporaryFolder } from '#test/support/folder.ts'

const PIECE = 64 * 1024

/** With which flags this process has the file open, where the system tells (Linux). */
function flagsOf(path: string): number {
  const file = readdirSync('/proc/self/fd').find((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path
    } catch {
      return false
    }
  })
  const info = readFileSync(`/proc/self/fdinfo/${file}`, 'utf8')
  return Number.parseInt(/flags:\s+(\d+)/.exec(info)?.[1] ?? '', 8)
}

test('what is written piece by piece is the file, to the byte, also over a longer one', async () => {
  await using folder = await temporaryFolder()
  const path = folder.file('copy')
  const bytes = Buffer.from(Array.from({ length: 2 * PIECE + 5_001 }, (_, at) => (at * 7) % 251))
  writeFileSync(path, Buffer.alloc(5 * PIECE, 1))
  const file = openDirect(path, PIECE)
  for (let at = 0; at < bytes.length; at += PIECE) {
    file.write(bytes.copy(file.buffer, 0, at, Math.min(at + PIECE, bytes.length)))
  }
  file.close()
  expect(readFileSync(path).equals(bytes)).toBe(true)
})

test('it is written past the page cache', async () => {
  await using folder = await temporaryFolder()
  const file = openDirect(folder.file('copy'), PIECE)
  expect(flagsOf(folder.file('copy')) & constants.O_DIRECT).toBe(constants.O_DIRECT)
  file.close()
})

test('where a file system has no direct writes they go through the cache', () => {
  const path = `/proc/${process.pid}/comm`
  expect(() => openSync(path, constants.O_WRONLY | constants.O_DIRECT)).toThrow('EINVAL')
  const file = openDirect(path, PIECE)
  expect(flagsOf(path) & constants.O_DIRECT).toBe(0)
  // What the kernel makes up has no disk to be put on.
  expect(() => file.close()).toThrow('fsync')
})
