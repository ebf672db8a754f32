import type { TextKind } from './odd-text.ts'

/** One setting of the environment: how it is read, what is allowed, what holds when it is not given. */
export interface Option<T> {
  name: string
  /** The prototype's names for it, still understood, with a notice. */
  formerly: string[]
  describe: string
  /** What is allowed, in words. */
  allowed: string
  secret: boolean
  kind: TextKind
  /** Gives the value, or undefined when the text is not allowed. */
  read(text: string): T | undefined
  /** How a value is written in the environment: the inverse of `read`. */
  write(value: T): string
  /** Undefined where the option must be given. */
  fallback: { value: T } | undefined
  /** What development uses when it differs. */
  development: { value: T } | undefined
}

interface Details<T> {
  describe: string
  default?: T
  development?: T
  secret?: boolean
  kind?: TextKind
  formerly?: string[]
}

/** What a given text has to be. */
interface Check {
  allowed: string
  test: (given: string) => boolean
}

function option<T>(
  name: string,
  allowed: string,
  read: (text: string) => T | undefined,
  details: Details<T>,
): Option<T> {
  return {
    name,
    allowed,
    read,
    write: (value) => String(value ?? ''),
    describe: details.describe,
    secret: details.secret ?? false,
    kind: details.kind ?? 'value',
    formerly: details.formerly ?? [],
    fallback: 'default' in details ? { value: details.default as T } : undefined,
    development: 'development' in details ? { value: details.development as T } : undefined,
  }
}

export function text(
  name: string,
  details: Details<string> & { minBytes?: number },
  check?: Check,
): Option<string> {
  const { allowed, test } = check ?? ofLength(details.minBytes)
  return option(name, allowed, (given) => (test(given) ? given : undefined), details)
}

function ofLength(minBytes = 1): Check {
  const allowed = minBytes > 1 ? `at least ${minBytes} bytes` : 'any text'
  return { allowed, test: (given) => Buffer.byteLength(given) >= minBytes }
}

/** What is sent in a header: a key of a provider, a bearer token. */
export const headerValue: Check = {
  allowed: 'ASCII letters, digits and signs, without blanks',
  test: (given) => /^[\x21-\x7e]+$/.test(given),
}

export function optionalText(
  name: string,
  details: Details<string | undefined> & { minBytes?: number },
  check?: Check,
): Option<string | undefined> {
  const { allowed, test } = check ?? ofLength(details.minBytes)
  const read = (given: string) => (test(given) ? given : undefined)
  return option<string | undefined>(name, allowed, read, {
    default: undefined,
    ...details,
  })
}

export function integer(
  name: string,
  details: Details<number> & { min: number; max: number },
): Option<number> {
  const { min, max } = details
  return option(
    name,
    `a whole number from ${min} to ${max}`,
    (given) => {
      const value = /^-?\d{1,12}$/.test(given) ? Number(given) : Number.NaN
      return value >= min && value <= max ? value : undefined
    },
    details,
  )
}

export function optionalInteger(
  name: string,
  details: Details<number | undefined> & { min: number; max: number },
): Option<number | undefined> {
  const given = integer(name, { describe: details.describe, min: details.min, max: details.max })
  return { ...given, write: (value) => String(value ?? ''), fallback: { value: undefined } }
}

export function flag(name: string, details: Details<boolean>): Option<boolean> {
  const words: Record<string, boolean> = { true: true, '1': true, false: false, '0': false }
  return option(name, 'true or false', (given) => words[given.toLowerCase()], details)
}

export function oneOf<const T extends string>(
  name: string,
  values: readonly T[],
  details: Details<T>,
): Option<T> {
  return option(
    name,
    values.join(', '),
    (given) => values.find((value) => value === given),
    details,
  )
}

export function list(
  name: string,
  details: Details<string[]>,
  each: Check = { allowed: 'values separated by commas', test: () => true },
): Option<string[]> {
  const read = (given: string) => {
    const parts = given.split(',').map((part) => part.trim())
    const values = parts.filter((part) => part !== '')
    return values.every(each.test) ? values : undefined
  }
  return option(name, each.allowed, read, details)
}

export function url(name: string, details: Details<string>): Option<string> {
  return option(name, 'an http or https URL', readUrl, details)
}

export function optionalUrl(
  name: string,
  details: Details<string | undefined>,
  { allowed, test }: Check = { allowed: 'an http or https URL', test: () => true },
): Option<string | undefined> {
  const read = (given: string) => {
    const value = readUrl(given)
    return value !== undefined && test(value) ? value : undefined
  }
  return option<string | undefined>(name, allowed, read, {
    default: undefined,
    ...details,
  })
}

export function timezone(name: string, details: Details<string>): Option<string> {
  const read = (given: string) => {
    try {
      return new Intl.DateTimeFormat('en', { timeZone: given }).resolvedOptions().timeZone
    } catch {
      return undefined
    }
  }
  return option(name, 'an IANA time zone such as Europe/Berlin', read, details)
}

/**
 * The path of an SQLite file, given as `file:./data/pollux.db`, `file:///data/pollux.db` or a plain path. It is not an
 * SQLite URI: a query, a fragment, a host or percent-encoding is refused, or it would become part of the file's name.
 */
export function sqliteFile(name: string, details: Details<string>): Option<string> {
  const read = (given: string) => {
    const path = given.replace(/^file:(\/\/(?=\/))?/, '')
    const foreign = path !== ':memory:' && /^[a-z][a-z0-9+.-]*:/i.test(path)
    const uri = /[?#]|%[0-9a-f]{2}/i.test(path) || path.startsWith('//')
    return foreign || uri || path === '' ? undefined : path
  }
  const allowed = 'file:<path of an SQLite file>, without ?, #, %-encoding or host'
  return { ...option(name, allowed, read, details), write: (path) => `file:${path}` }
}

function readUrl(given: string): string | undefined {
  const parsed = URL.parse(given)
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol) || /\s/.test(given))
    return undefined
  return given.replace(/\/+$/, '')
}
