import type { jobs } from '#drizzle/schema.ts'
import type { Command, CommandOrName, Steps, Tx } from '#src/database/steps.ts'

/** A row of `jobs`. */
export type JobRow = typeof jobs.$inferSelect

/** blocked (by another job) → ready → running → done | failed | cancelled. See docs/architecture.md. */
export type JobState = JobRow['state']

/** @throws what `parse` throws where it cannot read the body */
export function toJob<B>(row: JobRow, parse: (body: unknown) => B): Job<B> {
  const { id, kind, concurrencyKey, owner, attempt, errors, trace, createdAt } = row
  const body = parse(JSON.parse(row.body))
  return { id, kind, concurrencyKey, owner, body, attempt, errors, trace, createdAt }
}

/** What a caller asks for. */
export interface NewJob {
  kind: string
  /** Plain data; the kind's `parse` reads it back. */
  body: unknown
  /** At most one job of a concurrency key is ready or running; later ones are blocked, and run in order. */
  concurrencyKey?: string
  /** Whom it is for: owners are served in turn. */
  owner?: string
  /** Not before this instant; now by default. */
  dueAt?: number
  /** Past this instant it fails instead of being tried again. */
  deadlineAt?: number
  /** While a job with this key has not ended, enqueueing another does nothing. */
  dedupeKey?: string
  /** W3C traceparent. */
  trace?: string
}

/** A job as its handler sees it. */
export interface Job<B = unknown> {
  id: number
  kind: string
  concurrencyKey: string | null
  owner: string | null
  body: B
  /** The fencing token: how often the job has been claimed, this time included. */
  attempt: number
  /** How often it failed before, 0 at first. */
  errors: number
  trace: string | null
  createdAt: number
}

/** Why a job ended without being done. */
export interface JobEnd {
  state: 'failed' | 'cancelled'
  /** `error`: threw too often or was discarded; `deadline`; `lost`: its worker died too often; `stop`. */
  cause: 'error' | 'deadline' | 'lost' | 'stop'
  /** The last error's code and message as its handler gave them; safe for the log, not for people. */
  code: string
  message: string
}

/** A write that commits together with the end of the job, and only if its worker still holds it. */
export interface Effect {
  readonly command: CommandOrName
  readonly input: unknown
}

export function effect<I>(command: Command<I, unknown>, input: I): Effect {
  return { command, input }
}

/** A provider as one key at one address reaches it: a pause says nothing about another key. */
export interface ProviderAccount {
  name: string
  /** Digest of the key and the address. */
  account: string
}

/** A provider that the jobs of a kind call, as `JobKind.provider`: its key and its bucket hold back their claims. */
export interface ProviderLimit extends ProviderAccount {
  /** Calls a minute over every process; 0 for no limit of our own. */
  rpm: number
}

/** How one kind of job is done. */
export interface JobKind<B = unknown> {
  kind: string
  /** How many may run at once in this process. */
  concurrency: number
  /** The provider it calls: not claimed while that is paused, and each claim takes one of its slots. */
  provider?: ProviderLimit
  /** Reads the body back; throwing fails the job for good. */
  parse(body: unknown): B
  /**
   * Does the job. Returning ends it as done, together with the effect returned. Throwing `Discard` fails
   * it for good, `Snooze` tries again later without counting an error, `RetryAfter` counts one but names
   * the delay, anything else tries again with backoff. `signal` aborts when the job is stopped, its lease is lost or the server drains.
   */
  // biome-ignore lint/suspicious/noConfusingVoidType: a handler with no effect returns nothing
  run(job: Job<B>, signal: AbortSignal): Promise<Effect | void>
  /**
   * In the transaction that makes a job ready that a handler had begun: after an error, a lost lease, or a drain, but not
   * after a Snooze. May end it instead, as when nothing may be spent on it any more.
   */
  beforeRetry?(tx: Tx, job: Job<B>): Steps<JobEnd | undefined>
  /** In the transaction that ends the job as failed or cancelled, whoever ends it. */
  ended?(tx: Tx, job: Job<B>, end: JobEnd): Steps<void>
}

/** A permanent fault: do not try again. */
export class Discard extends Error {
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.name = 'Discard'
    this.code = code
  }
}

/**
 * Try again after `delayMs`, with no error counted. `unused`: the handler has done nothing, so that this attempt does
 * not count as a start.
 */
export class Snooze extends Error {
  readonly code: string
  readonly delayMs: number
  readonly unused: boolean
  constructor(
    delayMs: number,
    message = 'snoozed',
    { code = 'snoozed', unused = false }: { code?: string; unused?: boolean } = {},
  ) {
    super(message)
    this.name = 'Snooze'
    this.code = code
    this.delayMs = delayMs
    this.unused = unused
  }
}

/** A passing fault that says when to try again (Retry-After): its delay wins over the backoff. */
export class RetryAfter extends Error {
  readonly code: string
  readonly delayMs: number
  constructor(delayMs: number, code: string, message: string) {
    super(message)
    this.name = 'RetryAfter'
    this.code = code
    this.delayMs = delayMs
  }
}

/** Ends the job as cancelled: its handler saw the stop request and kept what there was. */
export class Stopped extends Error {
  readonly effect: Effect | undefined
  constructor(effect?: Effect) {
    super('stopped on request')
    this.name = 'Stopped'
    this.effect = effect
  }
}

/** Why a handler's signal aborted, as `signal.reason`. */
export type AbortCause = 'stop' | 'lost' | 'drain'
