/** One setting of the environment: how it is read, what is allowed, what holds when it is not given. */
export interface Option<T> {
  name: string
  /** The prototype's names for it, still understood, with a notice. */
  formerly: string[]
  describe: string
  /** What is allowed, in words. */
  allowed: string
  secret: boolean
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
    formerly: details.formerly ?? [],
    fallback: 'default' in details ? { value: details.default as T } : undefined,
    development: 'development' in details ? { value: details.development as T } : undefined,
  }
}

export function text(
  name: string,
  details: Details<string> & { minBytes?: number },
): Option<string> {
  const least = details.minBytes ?? 1
  const allowed = least > 1 ? `at least ${least} bytes` : 'any text'
  return option(
    name,
    allowed,
    (given) => (Buffer.byteLength(given) >= least ? given : undefined),
    details,
  )
}

export function optionalText(
  name: string,
  details: Details<string | undefined>,
  { allowed, test }: Check = { allowed: 'any text', test: () => true },
): Option<string | undefined> {
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
): Option<string | undefined> {
  return option<string | undefined>(name, 'an http or https URL', readUrl, {
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

/** The path of an SQLite file, given as `file:./data/pollux.db`, `file:///data/pollux.db` or a plain path. */
export function sqliteFile(name: string, details: Details<string>): Option<string> {
  const read = (given: string) => {
    const path = given.replace(/^file:(\/\/(?=\/))?/, '')
    const foreign = path !== ':memory:' && /^[a-z][a-z0-9+.-]*:/i.test(path)
    return foreign || path === '' ? undefined : path
  }
  const allowed = 'file:<path of an SQLite file>'
  return { ...option(name, allowed, read, details), write: (path) => `file:${path}` }
}

function readUrl(given: string): string | undefined {
  const parsed = URL.parse(given)
  if (!parsed || !['http:', 'https:'].includes(parsed.protocol)) return undefined
  return given.replace(/\/+$/, '')
}
