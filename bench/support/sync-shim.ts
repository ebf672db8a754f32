import { dlopen, ptr } from 'bun:ffi'
import { join } from 'node:path'

/** The shim, compiled into the folder; or why there is none. */
export function compileSyncShim(folder: string): { path: string } | { missing: string } {
  const compiler = Bun.which('cc')
  if (!compiler) return { missing: 'there is no C compiler (Debian package gcc)' }
  const path = join(folder, 'sync-shim.so')
  const source = join(import.meta.dir, 'sync-shim.c')
  const made = Bun.spawnSync([compiler, '-shared', '-fPIC', '-O2', '-o', path, source, '-ldl'])
  return made.exitCode === 0 ? { path } : { missing: `the shim does not compile: ${made.stderr}` }
}

/** One sync of a server, in milliseconds on this process's `performance.now()`. */
export interface Sync {
  from: number
  to: number
}

/** What a server under the shim noted in its `SYNC_LOG`, in the order of time. */
export interface Noted {
  syncs: Sync[]
  /** When each request to the provider was handed to the kernel. */
  requests: number[]
}

export async function readNoted(path: string): Promise<Noted> {
  const file = Bun.file(path)
  if (!(await file.exists())) return { syncs: [], requests: [] }
  const noted = new BigInt64Array(await file.arrayBuffer())
  const ahead = monotonicMs() - performance.now()
  const at = (index: number) => Number(noted[index] ?? 0n) / 1e6 - ahead
  const all = Array.from({ length: noted.length / 2 }, (_, one) => 2 * one)
  return {
    syncs: all.flatMap((one) => (noted[one + 1] ? [{ from: at(one), to: at(one + 1) }] : [])),
    requests: all.flatMap((one) => (noted[one + 1] ? [] : [at(one)])),
  }
}

/** What C calls CLOCK_MONOTONIC; `performance.now()` counts the same from another moment. */
function monotonicMs(): number {
  const CLOCK_MONOTONIC = 1
  const libc = dlopen('libc.so.6', { clock_gettime: { args: ['i32', 'ptr'], returns: 'i32' } })
  const parts = new BigInt64Array(2)
  // The first call loads what it needs; the second is prompt.
  for (let call = 0; call < 2; call++) libc.symbols.clock_gettime(CLOCK_MONOTONIC, ptr(parts))
  libc.close()
  return Number(parts[0] ?? 0n) * 1_000 + Number(parts[1] ?? 0n) / 1e6
}
