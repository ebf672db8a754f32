import type { ServerProcess } from '#test/support/server.ts'
import type { Blow, StormPlan } from './plan.ts'
import type { StormWorld } from './world.ts'

/** How long the woken server works beside the one that took over. */
const BESIDE_MS = 400

export interface Struck {
  counts: Record<Blow['kind'], number>
  starts: number
}

/** Kills, stops and replaces the server by the plan until the time is up; leaves one running. */
export async function strike(
  world: StormWorld,
  plan: StormPlan,
  durationMs: number,
  first: ServerProcess,
): Promise<Struck> {
  const until = performance.now() + durationMs
  const struck: Struck = {
    counts: { kill: 0, 'kill-twice': 0, pause: 0, takeover: 0 },
    starts: 1,
  }
  let server = first
  for (const { kind, afterMs, forMs } of plan.blows) {
    await Bun.sleep(afterMs)
    if (performance.now() > until) break
    struck.counts[kind]++
    switch (kind) {
      case 'pause':
        server.signal('SIGSTOP')
        await Bun.sleep(forMs)
        server.signal('SIGCONT')
        break
      case 'kill':
        await server.stop('SIGKILL')
        await Bun.sleep(forMs / 4)
        server = await world.start()
        struck.starts++
        break
      case 'kill-twice':
        await server.stop('SIGKILL')
        await world.startAndKill(forMs / 2)
        server = await world.start()
        struck.starts += 2
        break
      case 'takeover':
        server = await takeOver(world, server)
        struck.starts++
        break
    }
  }
  // What a server that was taken over held has a lease yet; the only server there is need not wait for it.
  await server.stop('SIGKILL')
  await world.start()
  struck.starts++
  return struck
}

async function takeOver(world: StormWorld, old: ServerProcess): Promise<ServerProcess> {
  old.signal('SIGSTOP')
  const heir = await world.takeOver()
  old.signal('SIGCONT')
  await Bun.sleep(BESIDE_MS)
  await old.stop('SIGKILL')
  return heir
}
