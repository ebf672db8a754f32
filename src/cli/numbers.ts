import { InvalidArgumentError } from 'commander'

/** Reads an argument that counts or numbers something. */
export function wholeNumber(text: string): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : 0
  if (value < 1) throw new InvalidArgumentError('Give a whole number, 1 or more.')
  return value
}
