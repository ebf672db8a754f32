import { AssistantFault, type Ending } from './assistant.ts'
import { faultOfChunk } from './gemini-faults.ts'
import { verdictOf } from './outcomes.ts'

/** The fields of a GenerateContentResponse that are read; all of it is untrusted. */
interface WireChunk {
  candidates?: { content?: { parts?: unknown }; finishReason?: unknown }[]
  promptFeedback?: { blockReason?: unknown }
  usageMetadata?: { promptTokenCount?: unknown; candidatesTokenCount?: unknown }
  modelVersion?: unknown
  modelStatus?: unknown
}

export interface Chunk {
  /** Without thoughts; may be empty, and may begin or end within a character. */
  text: string
  finishReason: string | undefined
  usage: Ending['usage']
  model: string | undefined
  /** When Google announced that the model will be switched off; its own words, shortened. */
  retirement: string | undefined
}

/** Reads one chunk of an answer. @throws AssistantFault where the provider withholds or spoils the answer */
export function readChunk(given: unknown, now: number): Chunk {
  const fault = faultOfChunk(given, now)
  if (fault) throw fault
  // Parsed JSON of the shape that the API documents; each field is looked at before it is used.
  const chunk = (typeof given === 'object' && given !== null ? given : {}) as WireChunk
  const blockReason = wordOf(chunk.promptFeedback?.blockReason)
  if (blockReason !== undefined && blockReason !== 'BLOCKED_REASON_UNSPECIFIED') {
    throw new AssistantFault('blocked', 'the prompt was refused', { reason: blockReason })
  }
  const candidate = Array.isArray(chunk.candidates) ? chunk.candidates[0] : undefined
  const finishReason = wordOf(candidate?.finishReason)
  if (finishReason !== undefined) {
    const verdict = verdictOf(finishReason)
    if (verdict === 'blocked') {
      throw new AssistantFault('blocked', 'the answer was withheld', { reason: finishReason })
    }
    if (verdict === 'retried') {
      throw new AssistantFault('broken', `the answer ended with ${finishReason}`)
    }
  }
  return {
    text: textOf(candidate?.content?.parts),
    finishReason,
    usage: usageOf(chunk.usageMetadata),
    model: modelOf(chunk.modelVersion),
    retirement: retirementOf(chunk.modelStatus),
  }
}

function textOf(parts: unknown): string {
  if (!Array.isArray(parts)) return ''
  let text = ''
  for (const part of parts) {
    const { thought, text: piece } = (part ?? {}) as { thought?: unknown; text?: unknown }
    if (thought !== true && typeof piece === 'string') text += piece
  }
  return text
}

/** A reason reaches clients as the code of an error, so it is one word of a bounded length. */
function wordOf(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined
  return /^[A-Z][A-Z0-9_]{0,49}$/.test(String(value)) ? String(value) : 'OTHER'
}

function usageOf(usage: WireChunk['usageMetadata']): Ending['usage'] {
  if (!usage) return null
  return {
    promptTokens: countOf(usage.promptTokenCount),
    replyTokens: countOf(usage.candidatesTokenCount),
  }
}

function countOf(value: unknown): number {
  return Number.isSafeInteger(value) ? Math.max(0, Number(value)) : 0
}

function modelOf(version: unknown): string | undefined {
  return typeof version === 'string' && /^[\w.:/@-]{1,100}$/.test(version) ? version : undefined
}

/** ModelStatus: `modelStage` is LEGACY, DEPRECATED or RETIRED, or `retirementTime` is given. */
export function retirementOf(status: unknown): string | undefined {
  if (typeof status !== 'object' || status === null) return undefined
  const { modelStage, retirementTime } = status as {
    modelStage?: unknown
    retirementTime?: unknown
  }
  const isOld = ['LEGACY', 'DEPRECATED', 'RETIRED'].includes(String(modelStage))
  if (!isOld && typeof retirementTime !== 'string') return undefined
  const time = typeof retirementTime === 'string' ? `, retires at ${retirementTime}` : ''
  return `${String(modelStage ?? 'announced')}${time}`.replaceAll(/[^\w ,:.+-]/g, '').slice(0, 100)
}
