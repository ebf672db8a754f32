import type { RaiseAlarm } from '#src/lib/alarm.ts'
import type { Clock } from '#src/lib/clock.ts'
import type { Log } from '#src/lib/log.ts'
import { SECOND } from '#src/lib/time.ts'
import type { Pause } from '#src/queue/provider-limits.ts'
import { type AskModel, type Assistant, AssistantFault, NO_ENDING } from './assistant.ts'

/** How long a model is left alone that answers 429 and does not say for how long. */
const DEFAULT_PAUSE_MS = 5 * SECOND
/** Whatever a provider asks for: jobs that wait for no time at all would call it without end. */
const SHORTEST_PAUSE_MS = SECOND
/** Other jobs take slots of PROVIDER_RPM meanwhile; after so many the job begins anew. */
const MOST_SLOT_TRIES = 5

export interface ModelsDeps {
  ask: AskModel
  clock: Clock
  log: Log
  raise: RaiseAlarm
  /** What holds now, as stored: other processes and earlier ones have paused models too. */
  readPauses(): Promise<Pause[]>
  pause(pause: Pick<Pause, 'model' | 'reason' | 'until' | 'quotaId'>): Promise<void>
  /** The key was accepted again. */
  releaseKey(): Promise<void>
  /** When the daily quotas of the provider begin anew. */
  quotaResetsAt(now: number): number
  /** The right to a further call within one job: 0, or in how many milliseconds to ask again. */
  takeSlot(): Promise<number>
  /** The claim of the job took the right to one call, and none was made. */
  returnSlot(): Promise<void>
}

/**
 * Asks the first model of a request that can answer: one that is paused is passed over, one that is overloaded, gone or
 * out of quota makes way for the next. Only where none is left does the job wait for the one that is free first.
 */
export function createAssistant(deps: ModelsDeps): Assistant {
  const { ask, clock, log } = deps
  let isKeyRefused = false

  /** Remembers for every job what a fault says about its model or the key. */
  async function remember(model: string, fault: AssistantFault): Promise<void> {
    const now = clock.now()
    const { kind, quotaId = null } = fault
    if (kind === 'rate-limited') {
      const waitMs = Math.max(SHORTEST_PAUSE_MS, fault.retryAfterMs ?? DEFAULT_PAUSE_MS)
      await deps.pause({ model, reason: 'limited', until: now + waitMs, quotaId })
    } else if (kind === 'exhausted') {
      const waitMs = fault.retryAfterMs
      const until = waitMs === undefined ? deps.quotaResetsAt(now) : now + waitMs
      await deps.pause({ model, reason: 'exhausted', until, quotaId })
      log.warn({ model, until, quotaId, err: fault }, 'the quota of a model is used up')
    } else if (kind === 'key') {
      await deps.pause({ model: '', reason: 'key', until: Number.MAX_SAFE_INTEGER, quotaId })
      isKeyRefused = true
      deps.raise(
        'provider-key',
        'the provider refuses our key: set GEMINI_API_KEY; prompts wait for it until their deadline',
        { err: fault },
      )
    } else if (kind === 'model-gone') {
      deps.raise(
        'provider-model',
        'the provider does not have a model: correct GEMINI_MODEL, GEMINI_MODELS or GEMINI_FALLBACK_MODELS',
        { model, err: fault },
      )
    }
  }

  async function acceptKey(isHeld: boolean): Promise<void> {
    if (!isHeld && !isKeyRefused) return
    isKeyRefused = false
    await deps.releaseKey()
    log.info('the provider accepts our key again')
  }

  /** Of PROVIDER_RPM, for a fallback: that must not fail because the model before it took the last slot. */
  async function waitForSlot(signal: AbortSignal): Promise<boolean> {
    for (let tries = 0; tries < MOST_SLOT_TRIES; tries++) {
      const waitMs = await deps.takeSlot()
      if (waitMs <= 0) return true
      await new Promise<void>((resolve) => {
        const cancel = clock.after(waitMs, resolve)
        const stop = () => {
          cancel()
          resolve()
        }
        signal.addEventListener('abort', stop, { once: true })
      })
      signal.throwIfAborted()
    }
    return false
  }

  return {
    async *stream({ models, countCall, ...question }, signal) {
      const pauses = await deps.readPauses()
      const isKeyHeld = pauses.some(({ model }) => model === '')
      const faults: AssistantFault[] = []
      let calls = 0
      for (const model of models) {
        const pause = pauses.find((one) => one.model === model)
        if (pause) {
          faults.push(faultOf(pause, clock.now()))
          continue
        }
        if (calls > 0 && !((await waitForSlot(signal)) && (await countCall()))) break
        calls += 1
        const pieces = ask(model, question, signal)
        let hasText = false
        try {
          for (;;) {
            const next = await pieces.next()
            if (next.done) {
              await acceptKey(isKeyHeld)
              return next.value
            }
            hasText = true
            yield next.value
          }
        } catch (error) {
          if (signal.aborted || !(error instanceof AssistantFault)) throw error
          await remember(model, error)
          if (provesKey(error)) await acceptKey(isKeyHeld)
          // Readers have its text: the next attempt begins anew, with another model if this one is paused now.
          if (hasText) throw afterText(error)
          if (!isOtherModelWorthAsking(error)) throw error
          faults.push(error)
        } finally {
          await pieces.return(NO_ENDING)
        }
      }
      const least = leastOf(faults)
      if (calls > 0) throw least
      await deps.returnSlot()
      throw new AssistantFault(least.kind, least.message, { ...least, isUnasked: true })
    },
  }
}

function faultOf({ reason, until, model }: Pause, now: number): AssistantFault {
  const kind = reason === 'exhausted' ? 'exhausted' : 'rate-limited'
  return new AssistantFault(kind, `${model} is paused`, { retryAfterMs: Math.max(0, until - now) })
}

function isOtherModelWorthAsking({ kind }: AssistantFault): boolean {
  return ['overloaded', 'model-gone', 'rate-limited', 'exhausted'].includes(kind)
}

/** A provider that says anything of a request has accepted its key. */
function provesKey({ kind }: AssistantFault): boolean {
  return !['key', 'broken', 'overloaded'].includes(kind)
}

function afterText(fault: AssistantFault): AssistantFault {
  const isPaused = fault.kind === 'rate-limited' || fault.kind === 'exhausted'
  return isPaused ? new AssistantFault('rate-limited', fault.message, { retryAfterMs: 0 }) : fault
}

/** Of the faults of all models, the one that promises an answer soonest. */
function leastOf(faults: readonly AssistantFault[]): AssistantFault {
  const first = (kind: AssistantFault['kind']) => faults.filter((fault) => fault.kind === kind)
  const [overloaded] = first('overloaded')
  const [limited] = first('rate-limited').sort(
    (a, b) => (a.retryAfterMs ?? DEFAULT_PAUSE_MS) - (b.retryAfterMs ?? DEFAULT_PAUSE_MS),
  )
  const least = overloaded ?? limited ?? first('exhausted')[0] ?? faults[0]
  return least ?? new AssistantFault('refused', 'no model is configured')
}
