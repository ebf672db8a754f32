import { join } from 'node:path'
import { attacks } from '../attacks.ts'
import type { AttackOrder, AttackReport } from './attack-process.ts'
import { type Account, type Attack, createAttacker } from './attacker.ts'
import type { HonestMessage, HonestReport } from './honest.ts'
import { createAbuseWorld, type Usage, type World } from './world.ts'

export interface Outcome {
  name: string
  /** The honest users before the attack and during it. */
  before: HonestReport
  during: HonestReport
  lag: { p99: number; max: number }
  calls: number
  stripeCalls: number
  grownBytes: number
  residentBytes: number
  hasDied: boolean
  /** How the server answered the attacker. */
  statuses: string
  notes: string[]
}

/** Until the server has compiled what it runs often. */
const WARM_UP_MS = 2_000
const BASELINE_MS = 3_000
/** Replies that were accepted near the end. */
const SETTLE_MS = 1_500
const ATTACKER: Account = {
  phone: '+12025550099',
  address: '203.0.113.66',
  password: 'correct horse battery staple 7',
}
/** A server that answers at once, so that its times are those of the machine. */
const NEIGHBOUR = `
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: () => new Response('ok') })
  process.send(server.url.href)`

/** One attack, or several at once, on a fresh server beside honest users. */
export async function runAttack(
  binary: string,
  name: string,
  names: string[],
  { seconds, settings }: { seconds: number; settings: Record<string, string> },
): Promise<Outcome> {
  await using world = await createAbuseWorld(binary, settings)
  const chosen = attacks.filter((attack) => names.includes(attack.name))
  const notes: string[] = []
  let token = await plant(world, chosen, notes)
  await world.start()
  if (token === '') token = await signInAttacker(world)
  await using neighbour = await startNeighbour()
  await using honest = await startHonest(world, neighbour.url)
  await Bun.sleep(WARM_UP_MS)
  await honest.report()
  await Bun.sleep(BASELINE_MS)
  const before = await honest.report()
  await world.lag()
  await world.forgetPeak()
  const first = world.usage()
  const order = orderOf(world, token, names, seconds)
  const attack = await runAttackProcess({ ...order, part: 'run' }, (seconds + 10) * 1_000)
  const lag = await world.lag()
  const last = world.usage()
  await Bun.sleep(SETTLE_MS)
  const during = await honest.report()
  const end = world.usage()
  if (world.hasDied) notes.push(`the server ended: ${world.lastWords()}`)
  return {
    name,
    before,
    during,
    lag,
    ...growth(first, last, end),
    hasDied: world.hasDied,
    statuses: attack.statuses.map(([status, count]) => `${count} × ${status}`).join(', '),
    notes: [
      ...notes,
      ...attack.faults,
      ...during.faults.map(([what, n]) => `honest: ${n} × ${what}`),
    ],
  }
}

function growth(first: Usage, last: Usage, end: Usage) {
  return {
    calls: end.attackCalls - first.attackCalls,
    stripeCalls: end.stripeCalls - first.stripeCalls,
    grownBytes: Math.max(last.fileBytes, end.fileBytes) - first.fileBytes,
    residentBytes: end.residentBytes,
  }
}

/** Gives the attacker's token, or '' where nothing was planted. */
async function plant(world: World, chosen: Attack[], notes: string[]): Promise<string> {
  const planted = chosen.filter((attack) => attack.plant !== undefined).map(({ name }) => name)
  if (planted.length === 0) return ''
  await world.startEarlier()
  const token = await signInAttacker(world)
  const order = orderOf(world, token, planted, 120)
  const { faults } = await runAttackProcess({ ...order, part: 'plant' }, 130_000)
  notes.push(...faults)
  await world.untilIdle()
  await world.stop()
  return token
}

async function signInAttacker(world: World): Promise<string> {
  const { url, outside } = world
  const attacker = createAttacker({ url, outside, token: '', account: ATTACKER, seconds: 30 })
  const { status, token } = await attacker.signIn()
  if (token === '') throw new Error(`The attacker cannot sign in: ${status}\n${world.lastWords()}`)
  await attacker.skipCooldowns()
  return token
}

function orderOf({ url, outside }: World, token: string, names: string[], seconds: number) {
  return { url, outside, token, account: ATTACKER, names, seconds }
}

async function runAttackProcess(order: AttackOrder, deadlineMs: number): Promise<AttackReport> {
  const report = Promise.withResolvers<AttackReport>()
  // An attacker's machine is not the server's: where both want the processor, the server gets it.
  const command = ['nice', '-n', '10', process.execPath, join(import.meta.dir, 'attack-process.ts')]
  const child = Bun.spawn(command, {
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: '20000' },
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: (message: AttackReport) => report.resolve(message),
  })
  child.send(order)
  void child.exited.then(() =>
    report.resolve({ statuses: [], faults: ['the attack process ended'] }),
  )
  const timer = setTimeout(
    () => report.resolve({ statuses: [], faults: ['the attack did not end in time'] }),
    deadlineMs,
  )
  const result = await report.promise
  clearTimeout(timer)
  child.kill('SIGKILL')
  await child.exited
  return result
}

async function startHonest({ url, outside }: World, neighbour: string) {
  let answered = Promise.withResolvers<unknown>()
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'honest.ts')], {
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: '4096' },
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: (message) => answered.resolve(message),
  })
  void child.exited.then(() => answered.reject(new Error('The honest users ended')))
  async function ask(message: HonestMessage): Promise<unknown> {
    answered = Promise.withResolvers()
    child.send(message)
    return await answered.promise
  }
  await ask({ is: 'start', order: { url, outside, neighbour } })
  return {
    // Sent by honest.ts.
    report: async () => (await ask({ is: 'report' })) as HonestReport,
    async [Symbol.asyncDispose]() {
      answered.promise.catch(() => {})
      child.kill('SIGKILL')
      await child.exited
    },
  }
}

async function startNeighbour() {
  const listening = Promise.withResolvers<string>()
  const child = Bun.spawn([process.execPath, '-e', NEIGHBOUR], {
    stdio: ['ignore', 'inherit', 'inherit'],
    ipc: (url: string) => listening.resolve(url),
  })
  return {
    url: await listening.promise,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await child.exited
    },
  }
}
