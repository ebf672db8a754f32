/**
 * `bun bench/http/profile.ts <folder> [post|postRandom|postKeyless|me|rooms|latest|page|search]` loads the server for a few seconds with Bun's
 * sampling profiler on and leaves the profile in the folder (`none`: no profile, so that the figures are true); prints requests a second and CPU time a request.
 */
import { cpuSeconds } from '../support/machine.ts'
import { createRequests, EXPECTED } from './requests.ts'
import { createHttpWorld } from './world.ts'
import { wrk } from './wrk.ts'

const [folder = '/tmp/pollux-profile', which = 'post', seconds = '6'] = Bun.argv.slice(2)
const profiled = folder !== 'none'
const world = await createHttpWorld([
  process.execPath,
  ...(profiled ? ['--cpu-prof', '--cpu-prof-md', '--cpu-prof-dir', folder] : []),
  `${import.meta.dir}/../../src/main.ts`,
])
const requests = createRequests(world)[which]
if (!requests) throw new Error(`There is no request '${which}'`)
const expected = Object.entries(EXPECTED).find(([name]) => name === which)?.[1] ?? EXPECTED.live
if (which === 'search') await untilIndexed()
await wrk(world.server.url, requests, { connections: 32, seconds: 2, expected })
const before = cpuSeconds(world.server.pid)
const run = await wrk(world.server.url, requests, {
  connections: 32,
  seconds: Number(seconds),
  expected,
})
const cpu = cpuSeconds(world.server.pid) - before
console.log(which, JSON.stringify(run))
console.log(`CPU ${((cpu / run.requests) * 1e6).toFixed(0)} µs a request`)
await world.server.stop('SIGTERM')
await world.stop()

/** What was filled in is indexed in the background. */
async function untilIndexed(): Promise<void> {
  for (const { token } of world.users) {
    const headers = { authorization: `Bearer ${token}` }
    for (;;) {
      const answer = await fetch(`${world.server.url}/v1/search?q=rain+jacket`, { headers })
      if ((await answer.text()).split(expected.text).length - 1 === expected.times) break
      await Bun.sleep(50)
    }
  }
}
