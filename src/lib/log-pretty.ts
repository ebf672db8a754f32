import type { DestinationStream } from 'pino'
import { visible, visibleLines } from './visible.ts'

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
    return visibleLines(line)
  }
  const { level, time, msg, err, ...rest } = entry
  const paint = (code: number, text: string) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text)
  const name = String(level)
  const fields = Object.entries(rest).map(
    ([key, value]) =>
      paint(90, `${visible(key)}=`) +
      visible(typeof value === 'string' ? value : JSON.stringify(value)),
  )
  const parts = [
    paint(90, visible(String(time).slice(11, 23))),
    paint(colours[name] ?? 0, visible(name).toUpperCase().padEnd(5)),
    visible(String(msg ?? '')),
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
  const title = `${type}${code === undefined ? '' : ` (${code})`}: ${message}`
  const head = `    ${label}${visible(title)}\n`
  return (
    head + (stack === undefined ? '' : `${visibleLines(stack)}\n`) + errorLines(cause, 'caused by ')
  )
}
