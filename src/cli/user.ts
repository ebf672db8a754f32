import { Argument, type Command } from 'commander'
import { toInstant } from '#src/lib/time.ts'
import {
  getUserView,
  getUserViews,
  revokeSessions as revoke,
  setTier as set,
} from '#src/modules/users/operator.ts'
import type { OperatorView } from '#src/modules/users/statements.ts'
import { type Context, withServices } from './context.ts'
import { wholeNumber } from './numbers.ts'
import { table } from './table.ts'
import { Failure, type Terminal } from './terminal.ts'

const WHO = 'id, or phone as +12025550123'
const TIERS = ['basic', 'pro', 'by-subscription'] as const

export function addUser(program: Command, terminal: Terminal): void {
  const user = program
    .command('user')
    .description('look at accounts and change them; every change is audited')
  user
    .command('list')
    .description('users, newest first')
    .option('--limit <count>', 'at most so many', wholeNumber, 50)
    .option('--json', 'print JSON')
    .action((options) => list(terminal, options))
  user
    .command('show')
    .description('one user, with tier and quota')
    .argument('<user>', WHO)
    .option('--json', 'print JSON')
    .action((who, options) => show(terminal, who, options))
  user
    .command('set-tier')
    .description(
      'give a tier that wins over the subscription, or let the subscription decide again',
    )
    .argument('<user>', WHO)
    .addArgument(new Argument('<tier>').choices(TIERS))
    .action((who, tier) => setTier(terminal, who, tier))
  user
    .command('revoke-sessions')
    .description('log a user out everywhere, at once')
    .argument('<user>', WHO)
    .action((who) => revokeSessions(terminal, who))
  user
    .command('delete')
    .description('erase a user, as they could themselves: rooms, messages, sessions, subscription')
    .argument('<user>', WHO)
    .option('--yes', 'I mean it: this cannot be undone')
    .action((who, options) => erase(terminal, who, options))
}

function list(terminal: Terminal, options: { limit: number; json?: true }) {
  return withServices(terminal, async ({ database }) => {
    const users = await database.read(getUserViews, { limit: options.limit })
    if (options.json) return terminal.print(JSON.stringify(users.map(describe)))
    const cells = users.map((user) => Object.values(describe(user)))
    const heading = ['id', 'phone', 'name', 'tier set', 'verified', 'created', 'sessions']
    return terminal.print(table(heading, cells))
  })
}

function show(terminal: Terminal, who: string, options: { json?: true }) {
  return withServices(terminal, async ({ database, services }) => {
    const user = await find(database, who)
    const { id: userId, numberDigest } = user
    const { tier, quota, storage } = await services.quotas.readAllowance({
      userId,
      numberDigest,
    })
    const shown = { ...describe(user), tier, quota, storage }
    if (options.json) return terminal.print(JSON.stringify(shown))
    const used = quota.limit === null ? 'no limit' : `${quota.used} of ${quota.limit} used`
    const stored = `${storage.usedBytes} of ${storage.limitBytes} bytes`
    return terminal.print(
      table(['field', 'value'], Object.entries({ ...shown, quota: used, storage: stored })),
    )
  })
}

function setTier(terminal: Terminal, who: string, tier: (typeof TIERS)[number]) {
  return withServices(terminal, async ({ database, now }) => {
    const { id } = await find(database, who)
    const override = tier === 'by-subscription' ? null : tier
    await database.run(set, { userId: id, tier: override, now: now() })
    return terminal.print(`${id} is ${tier === 'by-subscription' ? 'what Stripe says' : tier} now.`)
  })
}

function revokeSessions(terminal: Terminal, who: string) {
  return withServices(terminal, async ({ database, now }) => {
    const { id } = await find(database, who)
    const count = await database.run(revoke, { userId: id, now: now() })
    return terminal.print(`${count} session(s) of ${id} ended.`)
  })
}

function erase(terminal: Terminal, who: string, options: { yes?: true }) {
  return withServices(terminal, async ({ database, services }) => {
    const { id } = await find(database, who)
    if (!options.yes) throw new Failure(`This erases ${id} for good. Say so with --yes.`)
    if (!(await services.users.erase(id))) throw new Failure(`${id} has gone just now.`)
    return terminal.print(`${id} is erased.`)
  })
}

/** @throws Failure where there is none */
async function find(database: Context['database'], who: string): Promise<OperatorView> {
  const user = await database.read(getUserView, { key: who })
  if (!user) throw new Failure(`There is no user '${who}'.`)
  return user
}

function describe({
  verifiedAt,
  createdAt,
  livingSessions,
  numberDigest: _,
  ...user
}: OperatorView) {
  return {
    ...user,
    verifiedAt: verifiedAt === null ? null : toInstant(verifiedAt),
    createdAt: toInstant(createdAt),
    livingSessions,
  }
}
