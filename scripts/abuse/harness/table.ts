import type { Outcome } from './run.ts'

export const GOALS = {
  getP99Ms: 20,
  /** Three times the quota of five. */
  calls: 15,
  /** USER_STORAGE_MB of Basic. */
  grownMb: 50,
  residentMb: 300,
}

export const TITLES = [
  'attack',
  'GET p50/p99 before',
  'during',
  'p99 ratio',
  'idle server p99',
  'loop lag p99/max',
  'honest errors',
  'logins',
  'replies',
  'model calls',
  'Stripe calls',
  'file MB',
  'memory MB',
]

export function row(outcome: Outcome): string[] {
  const { before, during, lag } = outcome
  const p99 = (values: number[]) => at(values, 0.99)
  return [
    outcome.name,
    `${ms(at(before.gets, 0.5))}/${ms(p99(before.gets))}`,
    `${ms(at(during.gets, 0.5))}/${ms(p99(during.gets))}`,
    `${(p99(during.gets) / p99(before.gets)).toFixed(1)} ×`,
    ms(p99(during.neighbourGets)),
    `${ms(lag.p99)}/${ms(lag.max)}`,
    String(honestErrors(outcome)),
    `${during.logins.ok}/${during.logins.tried}`,
    `${during.prompts.answered}/${during.prompts.accepted}`,
    String(outcome.calls),
    String(outcome.stripeCalls),
    mb(outcome.grownBytes),
    mb(outcome.residentBytes),
  ]
}

/** What the attack achieved that it should not. */
export function missedGoals(outcome: Outcome): string[] {
  const { name, during, calls, grownBytes, residentBytes, hasDied } = outcome
  const getP99 = at(during.gets, 0.99)
  const { ok, tried } = during.logins
  const missed = [
    [hasDied, 'the server ended'],
    // Not `>=`: without an answer there is no number.
    [!(getP99 < GOALS.getP99Ms), `honest GET p99 ${ms(getP99)} ms (< ${GOALS.getP99Ms})`],
    [honestErrors(outcome) > 0, `${honestErrors(outcome)} honest requests failed`],
    [calls > GOALS.calls, `${calls} model calls (≤ ${GOALS.calls})`],
    [
      !(grownBytes <= GOALS.grownMb * 1e6),
      `the file grew ${mb(grownBytes)} MB (≤ ${GOALS.grownMb})`,
    ],
    [
      !(residentBytes < GOALS.residentMb * 1e6),
      `${mb(residentBytes)} MB resident (< ${GOALS.residentMb})`,
    ],
    [ok < tried - 1, `${tried - ok} of ${tried} honest logins failed`],
  ] as const
  const busy = at(during.neighbourGets, 0.99) >= GOALS.getP99Ms ? ' on a busy machine' : ''
  return missed.filter(([isMissed]) => isMissed).map(([, what]) => `${name}${busy}: ${what}`)
}

/** Every answer that an honest user must not get, and requests without one; logins are counted apart. */
function honestErrors({ during }: Outcome): number {
  return during.faults
    .filter(([what]) => !what.startsWith('login'))
    .reduce((sum, [, count]) => sum + count, 0)
}

/** A Markdown table with columns of equal width. */
export function toTable(titles: string[], rows: string[][]): string {
  const all = [titles, ...rows]
  const widths = titles.map((_, column) =>
    Math.max(...all.map((cells) => cells[column]?.length ?? 0)),
  )
  const line = (cells: string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`
  return [line(titles), rule, ...rows.map(line)].join('\n')
}

function at(sorted: number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function ms(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0)
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(0)
}
