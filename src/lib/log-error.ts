import { visibleLines } from './visible.ts'

interface DescribedError {
  type: string
  code: string | undefined
  message: string
  stack: string | undefined
  cause: DescribedError | undefined
}

const DEEPEST_CAUSE = 3
const LONGEST_MESSAGE = 500

/**
 * An error as it may be logged. An error's own fields are left out and its message is cleaned, because
 * libraries put what they were given into them: a validation error holds the rejected body, an SDK's error
 * its request's headers.
 */
export function describeError(error: unknown, depth = 0): DescribedError {
  if (!(error instanceof Error)) {
    const message = clean(typeof error === 'string' ? error : `a thrown ${typeof error}`)
    return { type: typeof error, code: undefined, message, stack: undefined, cause: undefined }
  }
  const code = 'code' in error && typeof error.code !== 'object' ? String(error.code) : undefined
  return {
    type: error.name,
    code,
    message: messageOf(error, code),
    stack: error.stack?.split('\n').filter(isFrame).join('\n'),
    cause:
      error.cause === undefined || depth === DEEPEST_CAUSE
        ? undefined
        : describeError(error.cause, depth + 1),
  }
}

/** Hides phone numbers, tokens and keys that found their way into a text, and shows control characters escaped. */
export function clean(text: string): string {
  return visibleLines(
    text
      // A provider that finds a request invalid may quote it.
      .replace(/(\[400 [^\]]*\])(?! API key)[\s\S]*/, '$1')
      .replaceAll(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '[token]')
      .replaceAll(/\b(?:sk|rk|pk|whsec)_[A-Za-z0-9_]+|\bAIza[\w-]{10,}/g, '[key]')
      .replaceAll(/\bBearer\s+\S+/gi, 'Bearer [token]')
      .replaceAll(/\+\d[\d ()-]{6,18}\d/g, '[phone]')
      .slice(0, LONGEST_MESSAGE),
  )
}

function messageOf(error: Error, code: string | undefined): string {
  // Its message is the JSON of everything it looked at.
  if (code === 'VALIDATION') {
    const type = 'type' in error ? String(error.type) : 'value'
    return `the ${type} does not match its schema`
  }
  // Drizzle adds the values bound to the statement.
  return clean(error.message.replace(/\nparams:[\s\S]*$/, ''))
}

/** The first line of a stack repeats the message. */
function isFrame(line: string): boolean {
  return /^\s+at /.test(line)
}
