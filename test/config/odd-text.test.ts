import { describe, expect, test } from 'bun:test'
import { ConfigError, parseConfig } from '#src/config/config.ts'
import { options } from '#src/config/options.ts'
import { temporaryFolder } from '#test/support/folder.ts'

function faultsOf(environment: Record<string, string>): string[] {
  try {
    parseConfig({ NODE_ENV: 'test', ...environment })
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

const isProse = (name: string) => ['SYSTEM_PROMPT', 'SMS_SENDER'].includes(name)
/** A value that each setting takes. */
function sound({ name, allowed }: { name: string; allowed: string }): string {
  const values: Record<string, string> = {
    NODE_ENV: 'test',
    OTP_DELIVERY: 'response',
    WRITER_THREAD: 'never',
    LOG_LEVEL: 'info',
    QUOTA_TIMEZONE: 'UTC',
    DATABASE_URL: 'file:./a.db',
    DEFAULT_COUNTRY: 'DE',
    SMS_COUNTRIES: 'DE',
    CORS_ORIGINS: 'https://a.example',
    TRUSTED_PROXIES: '10.0.0.1',
    OTP_WEBHOOK_SECRET: 'YS1zZWNyZXQtdGhhdC1pcy1sb25nLWVub3VnaC10by1zaWdu',
    ARGON2_MEMORY_KIB: '19456',
    AUDIT_RETENTION_DAYS: '365',
    STRIPE_TIMEOUT_MS: '1000',
    GEMINI_INPUT_TOKENS: '1000',
  }
  if (values[name]) return values[name]
  if (/whole number/.test(allowed)) return /from (\d+)/.exec(allowed)?.[1] ?? ''
  if (/true or false/.test(allowed)) return 'true'
  if (/URL/.test(allowed)) return 'https://a.example'
  return 'b3JkZXItb2YtbWFnbml0dWRlLXNlY3JldC1mb3ItdGVzdHM'
}
const settings = Object.values(options).map(({ name, allowed, secret }) => {
  return { name, secret, value: sound({ name, allowed }) }
})

/** What copying, editors and Windows do to a value, and the character that the fault names. */
const damages: [what: string, damage: (value: string) => string, named: string, prose: boolean][] =
  [
    ['double quotes around it', (value) => `"${value}"`, 'U+0022 (quotation mark)', true],
    ['single quotes around it', (value) => `'${value}'`, 'U+0027 (apostrophe)', true],
    ['backticks around it', (value) => `\`${value}\``, 'U+0060', true],
    ['typographic quotes around it', (value) => `“${value}”`, 'U+201C', true],
    ['a blank before it', (value) => ` ${value}`, 'begins with U+0020 (blank)', true],
    ['a blank behind it', (value) => `${value} `, 'ends with U+0020 (blank)', true],
    ['a tab behind it', (value) => `${value}\t`, 'U+0009', true],
    ['a carriage return behind it', (value) => `${value}\r`, 'ends with U+000D', true],
    ['a no-break space behind it', (value) => `${value}\u00a0`, 'ends with U+00A0', true],
    ['a byte order mark before it', (value) => `\ufeff${value}`, 'U+FEFF', true],
    ['a zero-width space in it', (value) => `${value}\u200b`, 'U+200B', true],
    ['NUL in it', (value) => `${value[0]}\0${value.slice(1)}`, 'U+0000', true],
    ['ESC in it', (value) => `${value}\x1b[0m`, 'U+001B', true],
    ['bytes that are no UTF-8', (value) => `${value}\ufffd`, 'U+FFFD', true],
    ['an en dash in it', (value) => `${value}–`, 'U+2013 (en dash)', false],
    ['a hyphen of its own in it', (value) => `${value}\u2010a`, 'U+2010 (hyphen)', false],
    ['a minus sign in it', (value) => `${value}\u2212`, 'U+2212', false],
    ['a line break in it', (value) => `${value}\na`, 'U+000A', false],
    ['a no-break space in it', (value) => `a\u00a0${value}`, 'U+00A0', false],
  ]

describe('A setting that was damaged on its way is refused, and the character named:', () => {
  test('each value that is not damaged is taken', () => {
    for (const { name, value } of settings) {
      const faults = faultsOf({ [name]: value }).filter((fault) => fault.startsWith(`${name} `))
      expect(faults).toEqual([])
    }
  })

  test.each(damages)('%s', (_what, damage, named, alsoProse) => {
    for (const { name, value, secret } of settings) {
      if (isProse(name) && !alsoProse) continue
      const given = damage(value)
      const fault = faultsOf({ [name]: given }).find((one) => one.startsWith(`${name} `))
      expect([name, fault]).toEqual([name, expect.stringContaining(named)])
      if (secret) expect(fault).not.toContain(value)
    }
  })

  test.each(damages)('%s, in a file', async (_what, damage, named, alsoProse) => {
    await using folder = await temporaryFolder()
    for (const { name, value, secret } of settings) {
      // Which environment it is decides how the rest is read, so its file is another setting's fault.
      if (name === 'NODE_ENV' || (isProse(name) && !alsoProse)) continue
      const given = damage(value)
      // A file that ends as those of Windows do is read as one that ends with a line break.
      await Bun.write(folder.file(name), given.endsWith('\r') ? `${given}x` : given)
      const faults = faultsOf({ [`${name}_FILE`]: folder.file(name) })
      const fault = faults.find((one) => one.startsWith(`The file of ${name}_FILE `))
      const expected = given.endsWith('\r') ? 'U+000D' : named
      expect([name, fault]).toEqual([name, expect.stringContaining(expected)])
      if (secret) expect(fault).not.toContain(value)
    }
  })
})

test.each(['', '\n', '\n\n', '\r\n'])('a file may end with %j', async (end) => {
  await using folder = await temporaryFolder()
  await Bun.write(folder.file('secret'), `b3JkZXItb2YtbWFnbml0dWRlLXNlY3JldC1mb3ItdGVzdHM${end}`)
  const environment = { NODE_ENV: 'test', JWT_SECRET_FILE: folder.file('secret') }
  expect(parseConfig(environment).config.jwtSecret).toBe(
    'b3JkZXItb2YtbWFnbml0dWRlLXNlY3JldC1mb3ItdGVzdHM',
  )
})

test('prose keeps its punctuation, its scripts and its line breaks', () => {
  const prompt = 'Keep it short – “please”.\n\tC’est l’été\u00a0! می‌خواهم 👩‍💻'
  const { config } = parseConfig({ NODE_ENV: 'test', SYSTEM_PROMPT: prompt, SMS_SENDER: 'L’Été' })
  expect(config.systemPrompt).toBe(prompt)
  expect(config.smsSender).toBe('L’Été')
  expect(faultsOf({ SMS_SENDER: 'two\nlines' })[0]).toContain('U+000A')
})

test('prose of a Windows file, or of a block of YAML, has the line breaks that were meant', () => {
  const given = { NODE_ENV: 'test', SYSTEM_PROMPT: 'one\r\ntwo\n' }
  expect(parseConfig(given).config.systemPrompt).toBe('one\ntwo')
})

test('a generated secret may begin or end with a quotation mark, and hold any sign', () => {
  for (const secret of [`"x9$k!2Zq@7Lm#4Rt%8Wv^1Yb&5Nc*3D`, `x9$k!2Zq@7Lm#4Rt%8Wv^1Yb&5Nc*3D'`]) {
    expect(faultsOf({ JWT_SECRET: secret })).toEqual([])
  }
})

test.each(['"a","b"', 'a,"b"', "'a',b", 'a, "b", c'])(
  'quotes around one value of a list are refused: %s',
  (given) => {
    expect(faultsOf({ GEMINI_MODELS: given })[0]).toContain('quot')
  },
)

test.each(['GEMINI_API_KEY', 'STRIPE_SECRET_KEY', 'TWILIO_AUTH_TOKEN', 'METRICS_TOKEN'])(
  '%s, which is sent in a header, has no blank and no foreign letter',
  (name) => {
    for (const given of ['a b', 'ключ', 'ａｂｃ']) {
      const [fault] = faultsOf({ [name]: given })
      expect(fault).toStartWith(`${name} cannot be what was given (not shown)`)
      expect(fault).not.toContain(given)
    }
  },
)

test.each([
  'file:q.db?mode=rwc',
  'q.db?mode=rwc',
  'file:q.db#x',
  'file:a%20b.db',
  'file://host/q.db',
  'file://localhost/q.db',
  'file:',
  'sqlite:q.db',
  'postgres://a/b',
  'https://a.example/q.db',
])('DATABASE_URL=%s would name another file than meant, and is refused', (given) => {
  expect(faultsOf({ DATABASE_URL: given })[0]).toContain('DATABASE_URL cannot be')
})

test.each([
  ['file:./data/pollux.db', './data/pollux.db'],
  ['file:///data/pollux.db', '/data/pollux.db'],
  ['file:/data/my chats/é.db', '/data/my chats/é.db'],
  ['data/100%.db', 'data/100%.db'],
])('DATABASE_URL=%s is the file %s', (given, path) => {
  const { config } = parseConfig({ NODE_ENV: 'test', DATABASE_URL: given })
  expect(config.databasePath).toBe(path)
})

test('a URL with a blank in it is refused', () => {
  expect(faultsOf({ PUBLIC_URL: 'https://a.example/b c' })[0]).toContain('PUBLIC_URL cannot be')
})

test('a file that cannot be read is one fault, which names what is odd in its path', () => {
  expect(faultsOf({ JWT_SECRET_FILE: '/run/secrets/jwt–secret' })).toEqual([
    "JWT_SECRET_FILE names '/run/secrets/jwt–secret', which cannot be read; the path contains U+2013 (en dash).",
  ])
  expect(faultsOf({ PORT_FILE: '/nowhere' })).toEqual([
    "PORT_FILE names '/nowhere', which cannot be read.",
  ])
})
