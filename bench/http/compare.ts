/**
 * `bun bench/http/compare.ts <folder of another checkout> [post|postRandom|postKeyless|me|rooms|latest|page|search] [pairs]` measures both in turn with
 * the `profile.ts` of each, and prints the ratios of this one to the other. The other needs its packages installed.
 */
import { join } from 'node:path'
import { median } from '../support/stats.ts'

const [other, which = 'post', pairs = '5'] = Bun.argv.slice(2)
if (!other) throw new Error('Name the folder of another checkout')
const here = join(import.meta.dir, '../..')

const rounds = Array.from({ length: Number(pairs) }, () => {
  const [old, now] = [measure(other), measure(here)]
  const round = {
    'per second': now.perSecond / old.perSecond,
    p99: now.p99Ms / old.p99Ms,
    'CPU time': now.cpu / old.cpu,
  }
  console.log(JSON.stringify({ old, now, ...round }))
  return round
})
for (const name of ['per second', 'p99', 'CPU time'] as const) {
  const ratios = rounds.map((round) => round[name]).sort((a, b) => a - b)
  const told = ratios.map((ratio) => ratio.toFixed(2)).join(', ')
  console.log(`${which}, ${name}: ${median(ratios).toFixed(2)} × (${told})`)
}

function measure(checkout: string): { perSecond: number; p99Ms: number; cpu: number } {
  const run = Bun.spawnSync([process.execPath, 'bench/http/profile.ts', 'none', which, '5'], {
    cwd: checkout,
    stderr: 'inherit',
  })
  const told = run.stdout.toString()
  const figures = /\{.*\}/.exec(told)?.[0]
  const cpu = /CPU (\d+) µs/.exec(told)?.[1]
  if (run.exitCode !== 0 || !figures || !cpu)
    throw new Error(`No figures from ${checkout}: ${told}`)
  // Printed by profile.ts.
  const { perSecond, p99Ms } = JSON.parse(figures) as { perSecond: number; p99Ms: number }
  return { perSecond, p99Ms, cpu: Number(cpu) }
}
