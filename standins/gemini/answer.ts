import type { Call } from './behaviour.ts'

/** A plain, prompt-dependent answer: enough to see that the right prompt reached the right room. */
export function answerTo({ prompt, contents }: Call): string {
  const text = prompt.trim()
  if (text.startsWith('Name this conversation')) return titleOf(text)
  const sum = /(-?\d+(?:\.\d+)?)\s*([-+*/x×])\s*(-?\d+(?:\.\d+)?)/.exec(text)
  if (sum) return `${sum[0].trim()} = ${calculate(Number(sum[1]), sum[2] ?? '+', Number(sum[3]))}.`
  if (/^(hi|hello|hey|hallo|good (morning|evening|day))\b/i.test(text)) {
    return 'Hello! I am the stand-in for Gemini. Ask me something.'
  }
  const earlier = contents.length - 1
  const remembered = earlier > 0 ? ` I also see ${earlier} earlier messages of this room.` : ''
  const topic = quote(text)
  if (text.endsWith('?')) {
    return `You ask: ${topic} The stand-in has no knowledge of its own, but the real model would answer here.${remembered}`
  }
  return `You wrote: ${topic} With a Gemini key the real model would reply to this.${remembered}`
}

/** Pieces of a few words, as the real API sends them. */
export function toPieces(answer: string): string[] {
  return answer.match(/(?:\S+\s*){1,3}/g) ?? [answer]
}

function titleOf(text: string): string {
  const subject = /User: (.*)/.exec(text)?.[1] ?? 'A conversation'
  return subject.split(/\s+/).slice(0, 5).join(' ')
}

function quote(text: string): string {
  const short = [...text].slice(0, 200).join('')
  return `“${short}${short.length < text.length ? '…' : ''}”`
}

function calculate(left: number, operator: string, right: number): string {
  const results: Record<string, number> = {
    '+': left + right,
    '-': left - right,
    '*': left * right,
    x: left * right,
    '×': left * right,
    '/': left / right,
  }
  return String(results[operator])
}
