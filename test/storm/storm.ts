import { call } from '#test/support/client.ts'
import { type Struck, strike } from './blows.ts'
import type { Invariant } from './invariant.ts'
import { checkInvariants } from './invariants.ts'
import { planStorm, type StormOptions } from './plan.ts'
import { followRoom, type RoomReader } from './reader.ts'
import { type Sent, sendTwice } from './sender.ts'
import { createStormWorld, type StormWorld } from './world.ts'

/** After the blows: retries back off up to a minute, a silent provider is noticed after half of one. */
const PEACE_MS = 300_000

export interface StormResult {
  invariants: Invariant[]
  struck: Struck
  figures: Record<string, number | string>
}

interface Room {
  id: string
  token: string
}

/** A whole storm against a binary, from an empty folder to the verdict. */
export async function runStorm(
  binary: string,
  options: StormOptions,
  tell: (line: string) => void,
): Promise<StormResult> {
  const plan = planStorm(options)
  await using world = await createStormWorld(binary, plan)
  const server = await world.start()
  const tokens: string[] = []
  for (let user = 0; user < plan.users; user++) tokens.push(await world.signIn())
  const rooms: Room[] = []
  for (const { user } of plan.rooms) rooms.push(await openRoom(world, tokens[user] ?? ''))
  const readers = rooms.map((room, at) =>
    followRoom(world, room, plan.rooms[at]?.readerDropsAfter ?? []),
  )
  await Promise.all(readers.map(({ ready }) => ready))
  tell(`${plan.users} users, ${rooms.length} rooms and readers, ${options.prompts} prompts`)

  const startedAt = performance.now()
  const sending = plan.rooms.flatMap(({ prompts }, at) =>
    prompts.map(async (prompt) => {
      await Bun.sleep(Math.max(0, prompt.atMs - (performance.now() - startedAt)))
      return await sendTwice(world, rooms[at] ?? { id: '', token: '' }, prompt)
    }),
  )
  // A fault found while sending must not wait for the blows to end before it is seen.
  const [sent, struck] = await Promise.all([
    Promise.all(sending),
    strike(world, plan, options.durationMs, server),
  ])
  tell(`the blows are over: ${JSON.stringify(struck.counts)}; waiting for the last replies`)
  await waitForPeace(world, readers)
  await Promise.all(readers.map((reader) => reader.stop()))

  using sqlite = world.look()
  const rebuilt = readers.map((reader) => reader.rebuilt)
  const alive: Invariant = {
    name: 'no server ended by itself',
    checked: struck.starts,
    violations: world.deaths,
  }
  const invariants = [alive, ...checkInvariants({ plan, sent, readers: rebuilt, sqlite })]
  const total = (count: (one: (typeof rebuilt)[number]) => number) =>
    rebuilt.reduce((sum, one) => sum + count(one), 0)
  const statuses = sqlite
    .query<{ status: string; count: number }, []>(
      "SELECT status, count(*) AS count FROM messages WHERE role = 'assistant' GROUP BY status",
    )
    .all()
  return {
    invariants,
    struck,
    figures: {
      ...counted(sent),
      replies: statuses.map(({ status, count }) => `${count} ${status}`).join(', '),
      'calls of the provider': world.calls,
      'results of zombies refused': world.refusals,
      'server starts': struck.starts,
      'reader connections': total(({ connections }) => connections),
      'reader events': total(({ events }) => events),
      'resets told': total(({ resets }) => resets),
      seconds: Math.round((performance.now() - startedAt) / 1_000),
    },
  }
}

function counted(sent: Sent[]) {
  const copies = sent.flatMap((one) => one.copies)
  return {
    'prompts accepted': sent.filter((one) => one.copies.some(Boolean)).length,
    'prompts refused for quota': sent.filter((one) => !one.copies.some(Boolean)).length,
    'answers replayed': copies.filter((copy) => copy?.replayed).length,
  }
}

async function openRoom(world: StormWorld, token: string): Promise<Room> {
  const answer = await call<{ id: string }>(world.url, 'POST', '/v1/chatroom', { token, body: {} })
  if (answer.status !== 201) throw new Error(`no room: ${answer.status}`)
  return { id: answer.body.id, token }
}

/** Until every reply is final and every reader has been told so, or the time is up: then the invariants say what is not. */
async function waitForPeace(world: StormWorld, readers: RoomReader[]): Promise<void> {
  const until = performance.now() + PEACE_MS
  using sqlite = world.look()
  const open = sqlite.query<{ count: number }, []>(
    `SELECT (SELECT count(*) FROM messages WHERE completed_at IS NULL)
      + (SELECT count(*) FROM jobs WHERE ended_at IS NULL AND kind = 'message.reply') AS count`,
  )
  const replies = sqlite.query<{ count: number }, []>(
    "SELECT count(*) AS count FROM messages WHERE role = 'assistant'",
  )
  while (performance.now() < until) {
    const told = readers.reduce((sum, { rebuilt }) => sum + rebuilt.done.size, 0)
    if (world.deaths.length > 0) return
    if (open.get()?.count === 0 && replies.get()?.count === told) return
    await Bun.sleep(200)
  }
}
