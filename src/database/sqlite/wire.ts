import { Problem } from '#src/lib/problem.ts'
import { UnusableDatabase } from '../fault.ts'
import { LostFile } from './file-watch.ts'
import type { News } from './writer.ts'

/** What the main thread sends to the writer's, in one message a turn: commands by their names, and words. */
export type Order =
  | { id: number; run: string; input?: unknown }
  | { tell: string; payload?: unknown }

/** What the writer's thread sends back: one message a commit. */
export interface Report {
  results: ({ id: number; value?: unknown } | { id: number; error: Thrown })[]
  news: News[]
  committed?: { commands: number; durationMs: number; wrote: boolean }
  refused?: { error: Thrown; commands: number }
}

/** An error as JSON carries it. */
export interface Thrown {
  name: string
  message: string
  stack?: string | undefined
  /** SQLite's. */
  code?: string | undefined
  problem?: Pick<Problem, 'status' | 'slug' | 'headers' | 'extras'> | undefined
  lost?: LostFile['what'] | undefined
}

export function toThrown(error: unknown): Thrown {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) }
  const { name, message, stack } = error
  if (error instanceof Problem) {
    const { status, slug, headers, extras } = error
    return { name, message, problem: { status, slug, headers, extras } }
  }
  if (error instanceof LostFile) return { name, message, lost: error.what }
  return { name, message, stack, code: 'code' in error ? String(error.code) : undefined }
}

/** The same error, of the class that callers know it by. */
export function fromThrown({ name, message, stack, code, problem, lost }: Thrown): Error {
  if (problem) {
    const { status, slug, headers, extras } = problem
    return new Problem(status, slug, message, { ...extras, headers })
  }
  if (lost) return new LostFile(lost, message)
  if (name === 'UnusableDatabase') return new UnusableDatabase(message)
  const error: Error & { code?: string } = new Error(message)
  error.name = name
  if (stack !== undefined) error.stack = stack
  if (code !== undefined) error.code = code
  return error
}
