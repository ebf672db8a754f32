import { ptr } from 'bun:ffi'
import { closeSync, constants, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs'

/** What open(2) with O_DIRECT asks of addresses, lengths and offsets, whatever the disk's own blocks. */
const BLOCK_BYTES = 4096

/** A file that is written once, from its beginning to its end. */
export interface DirectFile {
  /** Where the next bytes are to be put before `write` writes them. */
  readonly buffer: Buffer
  /** Writes the first bytes of `buffer` behind what was written. Only the last piece may be smaller than it. */
  write(bytes: number): void
  /** Cuts it to its length, and puts it on the disk. */
  close(): void
}

/**
 * Opens the file for writing past the page cache. What is written through the cache is later synced, and on a
 * journalling file system the sync of one file waits for the data of others: a server's commit for a whole
 * piece of a copy. Written directly it waits for what the disk does at the moment. Where the file system has no
 * direct writes (tmpfs, some network ones) they go through the cache.
 */
export function openDirect(path: string, bufferBytes: number): DirectFile {
  const file = openPast(path)
  const buffer = alignedBuffer(bufferBytes)
  let length = 0
  return {
    buffer,
    write(bytes) {
      const padded = Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES
      buffer.fill(0, bytes, padded)
      for (let at = 0; at < padded; ) {
        // A disk that is nearly full takes less; the next try says that it is full.
        at += writeSync(file, buffer, at, padded - at, length + at)
      }
      length += bytes
    },
    close() {
      try {
        ftruncateSync(file, length)
        fsyncSync(file)
      } finally {
        closeSync(file)
      }
    },
  }
}

function openPast(path: string): number {
  const flags = constants.O_WRONLY | constants.O_CREAT
  try {
    // macOS has no such flag.
    return openSync(path, flags | (constants.O_DIRECT ?? 0), 0o600)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EINVAL')) throw error
    return openSync(path, flags, 0o600)
  }
}

function alignedBuffer(bytes: number): Buffer {
  const memory = Buffer.alloc(bytes + BLOCK_BYTES)
  const start = (BLOCK_BYTES - (ptr(memory) % BLOCK_BYTES)) % BLOCK_BYTES
  return memory.subarray(start, start + bytes)
}
