/** Runs the named attacks in a process of its own, at low priority: an attacker's machine is not the server's. */
import { attacks } from '../attacks.ts'
import { type AttackerOptions, createAttacker } from './attacker.ts'

export interface AttackOrder extends AttackerOptions {
  names: string[]
  /** What was done on earlier days, or the attack itself. */
  part: 'plant' | 'run'
}

export interface AttackReport {
  statuses: [string, number][]
  /** What went wrong with the attack itself. */
  faults: string[]
}

process.once('message', async (order: AttackOrder) => {
  const attacker = createAttacker(order)
  const faults: string[] = []
  const chosen = attacks.filter(({ name }) => order.names.includes(name))
  const all = chosen.map(async (attack) => {
    try {
      await (order.part === 'plant' ? attack.plant?.(attacker) : attack.run(attacker))
    } catch (error) {
      faults.push(`${attack.name}: ${error}`)
    }
  })
  if (order.part === 'plant') await Promise.all(all)
  else await Promise.race([Promise.all(all), attacker.untilOver()])
  attacker.stop()
  await Promise.race([Promise.all(all), Bun.sleep(2_000)])
  const report: AttackReport = { statuses: [...attacker.statuses], faults }
  process.send?.(report)
  setTimeout(() => process.exit(0), 100)
})
