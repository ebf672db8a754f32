import { nextCharacter } from '#src/lib/fold.ts'
import { toPlainLine } from '#src/lib/plain-text.ts'

const MAX_LENGTH = 60
const EXCERPT_LENGTH = 500
/** Of the model's answer, in which a title is looked for. */
const LOOKED_AT = 500

/** What the model is asked. */
export function titlePrompt(prompt: string, reply: string): string {
  const excerpt = (text: string) => beginning(text.replaceAll(/\s+/g, ' ').trim(), EXCERPT_LENGTH)
  return `Name this conversation in at most six words, in its own language. Answer with the name alone.\n\nUser: ${excerpt(prompt)}\nAssistant: ${excerpt(reply)}`
}

/** A title from what the model said: its first line, without quotes and full stop; undefined when nothing is left. */
export function toTitle(answer: string): string | undefined {
  // Cut before it is matched: quotes that end nowhere take the square of their number.
  const line = beginning(answer.trim().split('\n', 1)[0] ?? '', LOOKED_AT)
  const bare = line.replace(/^[\s"'“”„«»*#`]+/u, '').replace(/[\s"'“”„«».*`]+$/u, '')
  // A title stands in lists and terminals.
  const title = [...toPlainLine(bare).replaceAll(/\s+/g, ' ')].slice(0, MAX_LENGTH).join('').trim()
  return title === '' ? undefined : title
}

/** Half an emoji is no text: the provider refuses it. */
function beginning(text: string, length: number): string {
  return text.slice(0, nextCharacter(text, length))
}
