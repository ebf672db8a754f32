/** One thing that must hold, over how many it was checked, and each case in which it does not. */
export interface Invariant {
  name: string
  checked: number
  violations: string[]
}

export interface PromptRow {
  id: string
  userId: string
  content: string
}

export interface ReplyRow {
  id: string
  roomId: string
  userId: string
  replyTo: string
  version: number
  position: number
  finalRevision: number | null
  status: string
  content: string
  attempt: number
  prompt: string
  claims: number | null
  unusedClaims: number | null
  startedAt: number | null
  endedAt: number | null
}

export function invariant<T>(
  name: string,
  items: Iterable<T>,
  check: (item: T) => string | false | undefined,
): Invariant {
  const violations: string[] = []
  let checked = 0
  for (const item of items) {
    checked++
    const violation = check(item)
    if (violation) violations.push(violation)
  }
  return { name, checked, violations }
}
