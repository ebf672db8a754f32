import { createCipheriv, createDecipheriv } from 'node:crypto'

const ALGORITHM = 'aes-256-gcm'
const NONCE_BYTES = 12
const TAG_BYTES = 16

/** Closes and opens short secrets (AES-256-GCM), so that they may lie in the database for a while. */
export interface Sealer {
  /** @param bound what it belongs to; it opens for nothing else */
  seal(secret: string, bound: string): string
  /** Undefined where no key opens it for `bound`. */
  open(sealed: string, bound: string): string | undefined
}

/** @param keys 32 bytes each; the first seals, all open, so that keys can rotate */
export function createSealer(
  keys: readonly [Uint8Array, ...Uint8Array[]],
  bytes: (length: number) => Uint8Array,
): Sealer {
  return {
    seal(secret, bound) {
      const nonce = bytes(NONCE_BYTES)
      const cipher = createCipheriv(ALGORITHM, keys[0], nonce).setAAD(Buffer.from(bound))
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
    },
    open(sealed, bound) {
      const raw = Buffer.from(sealed, 'base64url')
      for (const key of keys) {
        const opened = openWith(key, raw, bound)
        if (opened !== undefined) return opened
      }
      return undefined
    },
  }
}

function openWith(key: Uint8Array, raw: Buffer, bound: string): string | undefined {
  try {
    const decipher = createDecipheriv(ALGORITHM, key, raw.subarray(0, NONCE_BYTES))
    decipher.setAAD(Buffer.from(bound))
    decipher.setAuthTag(raw.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
    const text = decipher.update(raw.subarray(NONCE_BYTES + TAG_BYTES))
    return Buffer.concat([text, decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}
