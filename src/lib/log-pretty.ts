import type { DestinationStream } from 'pino'

const colours: Record<string, number> = { debug: 90, info: 36, warn: 33, error: 31 }

/**
 * Turns JSON lines into lines for a person. A few lines of our own rather than pino-pretty: that one brings
 * thirteen packages into the binary for what only development shows.
 */
export function prettyLines(to: DestinationStream, { colour = true } = {}): DestinationStream {
  return { write: (line) => to.write(pretty(line, colour)) }
}

function pretty(line: string, colour: boolean): string {
  let entry: Record<string, unknown>
  try {
    entry = JSON.parse(line)
  } catch {
    return line
  }
  const { level, time, msg, err, ...rest } = entry
  const paint = (code: number, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text)
  const name = String(level)
  const fields = Object.entries(rest).map(
    ([key, value]) =>
      `${paint(90, `${key}=`)}${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const parts = [
    paint(90, String(time).slice(11, 23)),
    paint(colours[name] ?? 0, name.toUpperCase().padEnd(5)),
    String(msg ?? ''),
    ...fields,
  ]
  return `${parts.join(' ')}\n${errorLines(err)}`
}

function errorLines(error: unknown, label = ''): string {
  if (typeof error !== 'object' || error === null) return ''
  const { type, code, message, stack, cause } = Object.assign(
    { type: 'Error', code: undefined, message: '', stack: undefined, cause: undefined },
    error,
  )
  const head = `    ${label}${type}${code === undefined ? '' : ` (${code})`}: ${message}\n`
  return head + (stack === undefined ? '' : `${stack}\n`) + errorLines(cause, 'caused by ')
}
