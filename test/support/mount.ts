import { mkdirSync } from 'node:fs'

/** Runs a program of the system; gives whether it succeeded. */
export function does(...command: string[]): boolean {
  try {
    return Bun.spawnSync(command, { stdio: ['ignore', 'ignore', 'ignore'] }).exitCode === 0
  } catch {
    return false
  }
}

/** Whether this process may mount: root may, where no sandbox forbids it. */
export const canMount =
  process.getuid?.() === 0 && does('unshare', '--mount', 'mount', '-t', 'tmpfs', 'x', '/tmp')

/** A disk of its own in memory, of so many MiB, that goes with the test. */
export function mountTmpfs(path: string, mebibytes: number): Disposable {
  mkdirSync(path, { recursive: true })
  return mount(path, '-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'pollux-test', path)
}

/** The file or folder as it is, but nobody can write to it, root neither. */
export function mountReadOnly(path: string): Disposable {
  const mounted = mount(path, '--bind', path, path)
  if (!does('mount', '-o', 'remount,ro,bind', path)) throw new Error(`Cannot remount '${path}'`)
  return mounted
}

function mount(path: string, ...options: string[]): Disposable {
  if (!does('mount', ...options)) throw new Error(`Cannot mount '${path}'`)
  return {
    [Symbol.dispose]() {
      does('umount', '--lazy', path)
    },
  }
}
