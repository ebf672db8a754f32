/**
 * Shoots at every route for as long as it is told: `bun run fuzz -- --minutes 10 [--seed 1]`. Ends with the
 * seed and the smallest failing request when an answer is a fault of ours, leaks, or leaves the document.
 */
import { parseArgs } from 'node:util'
import { fuzz } from '#test/support/fuzz.ts'

const { values } = parseArgs({
  args: Bun.argv.slice(2),
  options: { minutes: { type: 'string', default: '1' }, seed: { type: 'string' } },
})
const until = performance.now() + Number(values.minutes) * 60_000
let seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed)
let made = 0
while (performance.now() < until) {
  console.log(`seed ${seed}`)
  made += await fuzz({ seed, shots: 2_000 })
  seed++
}
console.log(`${made} requests, no fault`)
