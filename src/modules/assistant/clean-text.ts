/**
 * Makes the text of a model well-formed, piece by piece: readers and the database must hold the same characters, and
 * not every JSON parser takes a lone surrogate, nor every database a NUL.
 */
export interface TextCleaner {
  /** The piece as it may be published. A high surrogate at its end waits for the next piece. */
  push(piece: string): string
  /** What is left once no further piece comes. */
  end(): string
}

export function createTextCleaner(): TextCleaner {
  let held = ''
  return {
    push(piece) {
      const text = held + piece.replaceAll('\0', '')
      held = isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.slice(-1) : ''
      return text.slice(0, text.length - held.length).toWellFormed()
    },
    end() {
      const rest = held.toWellFormed()
      held = ''
      return rest
    },
  }
}

/** The longest beginning of a well-formed text with at most so many bytes of UTF-8; it splits no character. */
export function firstBytes(text: string, bytes: number): string {
  // A code unit takes at most three bytes, so most pieces need no counting.
  if (text.length * 3 <= bytes) return text
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(Math.max(0, bytes)))
  return text.slice(0, read)
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
