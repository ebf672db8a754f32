import type { Database as Sqlite } from 'bun:sqlite'
import { type Invariant, invariant, type PromptRow, type ReplyRow } from './invariant.ts'
import type { StormPlan } from './plan.ts'
import type { Rebuilt } from './reader.ts'
import type { Sent } from './sender.ts'
import { quota, usage } from './usage-invariants.ts'
import { numberOf } from './world.ts'

export interface Evidence {
  plan: StormPlan
  sent: Sent[]
  readers: Rebuilt[]
  sqlite: Sqlite
}

/** Holds what the clients saw, what the readers rebuilt and what the database holds against each other. */
export function checkInvariants({ plan, sent, readers, sqlite }: Evidence): Invariant[] {
  const prompts = sqlite
    .query<PromptRow, []>(
      `SELECT messages.id, user_id AS userId, content FROM messages
       JOIN chatrooms ON chatrooms.id = chatroom_id WHERE role = 'user'`,
    )
    .all()
  const replies = sqlite
    .query<ReplyRow, []>(
      `SELECT reply.id, reply.chatroom_id AS roomId, user_id AS userId, reply.reply_to AS replyTo,
         reply.version, reply.position, reply.final_revision AS finalRevision, reply.status, reply.content,
         reply.attempt, prompt.content AS prompt, jobs.claims,
         jobs.unused_claims AS unusedClaims, jobs.started_at AS startedAt, jobs.ended_at AS endedAt
       FROM messages AS reply JOIN messages AS prompt ON prompt.id = reply.reply_to
       JOIN chatrooms ON chatrooms.id = reply.chatroom_id LEFT JOIN jobs ON jobs.id = reply.job_id
       ORDER BY reply.chatroom_id, reply.position`,
    )
    .all()
  return [
    accepted(sent, prompts),
    idempotent(sent),
    oneReply(prompts, replies),
    wholeAnswers(plan, replies),
    inOrder(replies),
    oneAtATime(replies),
    noZombie(replies),
    quota(sqlite, prompts, replies),
    usage(sqlite),
    rebuilt(readers, replies),
    nothingLeft(sqlite),
    noLineLeft(sqlite),
    waitingForNothing(sqlite),
    pragma(sqlite, 'integrity_check', (row) => row === 'ok'),
    pragma(sqlite, 'foreign_key_check', () => false),
  ]
}

function accepted(sent: Sent[], prompts: PromptRow[]): Invariant {
  const known = new Map(prompts.map(({ id, content }) => [id, numberOf(content)]))
  const told = new Set(sent.flatMap(({ copies }) => copies.map((copy) => copy?.promptId)))
  const phantoms = prompts.filter(({ id }) => !told.has(id))
  const result = invariant('every accepted prompt is stored', sent, ({ number, copies }) => {
    const lost = copies.filter((copy) => copy && known.get(copy.promptId) !== number)
    return lost.length > 0 && `prompt ${number} was accepted and is not stored`
  })
  const violations = phantoms.map(({ id }) => `prompt ${id} is stored and nobody was told`)
  return { ...result, violations: [...result.violations, ...violations] }
}

function idempotent(sent: Sent[]): Invariant {
  return invariant(
    'two copies of a prompt are one prompt',
    sent,
    ({ number, copies, isInTurn }) => {
      const [first, second] = copies
      if (first && second && first.replyId !== second.replyId)
        return `prompt ${number} exists twice`
      return isInTurn && first && !second && `prompt ${number} was accepted, then its copy refused`
    },
  )
}

function oneReply(prompts: PromptRow[], replies: ReplyRow[]): Invariant {
  const of = Map.groupBy(replies, ({ replyTo }) => replyTo)
  return invariant('every prompt has exactly one final reply per version', prompts, ({ id }) => {
    const versions = (of.get(id) ?? []).map(({ version }) => version)
    const open = (of.get(id) ?? []).filter(({ finalRevision }) => finalRevision === null)
    if (versions.length === 0 || new Set(versions).size !== versions.length)
      return `prompt ${id} has versions ${versions}`
    return open.length > 0 && `prompt ${id} has a reply that is not final`
  })
}

function wholeAnswers(plan: StormPlan, replies: ReplyRow[]): Invariant {
  const answers = new Map(
    plan.rooms.flatMap(({ prompts }) =>
      prompts.map(({ number, answer }) => [number, answer.join('')] as const),
    ),
  )
  const complete = replies.filter(({ status }) => status === 'complete')
  return invariant('a complete reply is the whole answer', complete, ({ id, prompt, content }) => {
    const expected = answers.get(numberOf(prompt))
    return content !== expected && `reply ${id}: ${content.length} of ${expected?.length} units`
  })
}

/** A reply that a person stopped while it waited ends at once, before those ahead of it. */
function inOrder(replies: ReplyRow[]): Invariant {
  const rooms = Map.groupBy(
    replies.filter(({ status }) => status !== 'cancelled'),
    ({ roomId }) => roomId,
  )
  return invariant('the replies of a room end in the order of its prompts', rooms, ([id, list]) => {
    const revisions = list.map(({ finalRevision }) => finalRevision ?? 0)
    return revisions.some((revision, at) => revision < (revisions[at - 1] ?? 0)) && `room ${id}`
  })
}

function oneAtATime(replies: ReplyRow[]): Invariant {
  const rooms = Map.groupBy(
    replies.filter(({ startedAt }) => startedAt !== null),
    ({ roomId }) => roomId,
  )
  return invariant('a room has one reply in the making at a time', rooms, ([id, list]) => {
    const overlaps = list.some(
      ({ startedAt }, at) => (startedAt ?? 0) < (list[at - 1]?.endedAt ?? 0),
    )
    return overlaps && `room ${id}`
  })
}

function noZombie(replies: ReplyRow[]): Invariant {
  const complete = replies.filter(({ status }) => status === 'complete')
  const name = 'no reply was written by a worker that had lost it'
  return invariant(name, complete, ({ id, attempt, claims }) =>
    attempt === claims ? undefined : `reply ${id}: written by claim ${attempt}, held by ${claims}`,
  )
}

function rebuilt(readers: Rebuilt[], replies: ReplyRow[]): Invariant {
  const of = Map.groupBy(replies, ({ roomId }) => roomId)
  const pairs = readers.flatMap((reader) =>
    (of.get(reader.roomId) ?? []).map((reply) => ({ reader, reply })),
  )
  const result = invariant(
    'every reader rebuilt the stored text',
    pairs,
    ({ reader: { done, added, texts }, reply: { id, status, content, replyTo } }) => {
      if (!added.has(id) || !added.has(replyTo)) return `reply ${id} was never announced`
      const end = done.get(id)
      if (end?.status !== status || end.content !== content)
        return `reply ${id} is ${status}, a reader was told ${end?.status}`
      const text = texts.get(id) ?? ''
      return text !== content && `reply ${id}: rebuilt ${text.length} of ${content.length} units`
    },
  )
  const faults = readers.flatMap(({ faults }) => faults)
  return { ...result, violations: [...result.violations, ...faults] }
}

function nothingLeft(sqlite: Sqlite): Invariant {
  const jobs = sqlite
    .query<{ id: number; state: string; kind: string }, []>('SELECT id, state, kind FROM jobs')
    .all()
  return invariant('no reply job is left', jobs, ({ id, state, kind }) =>
    kind === 'message.reply' && ['blocked', 'ready', 'running'].includes(state)
      ? `job ${id} is ${state}`
      : undefined,
  )
}

function noLineLeft(sqlite: Sqlite): Invariant {
  const lanes = sqlite.query<{ lane: string }, []>('SELECT lane FROM job_lanes').all()
  const violations = lanes.map(({ lane }) => `somebody is said to wait in lane ${lane}`)
  return { name: 'nobody waits in a lane', checked: 1, violations }
}

function waitingForNothing(sqlite: Sqlite): Invariant {
  const rooms = sqlite
    .query<{ id: string; pendingFrom: number | null }, []>(
      'SELECT id, pending_from AS pendingFrom FROM chatrooms',
    )
    .all()
  return invariant('no room waits for a reply', rooms, ({ id, pendingFrom }) =>
    pendingFrom === null ? undefined : `room ${id} waits from ${pendingFrom} on`,
  )
}

function pragma(sqlite: Sqlite, name: string, isFine: (value: unknown) => boolean): Invariant {
  const rows = sqlite.query<Record<string, unknown>, []>(`PRAGMA ${name}`).all()
  const bad = rows.filter((row) => !isFine(Object.values(row)[0]))
  return { name: `PRAGMA ${name}`, checked: 1, violations: bad.map((row) => JSON.stringify(row)) }
}
