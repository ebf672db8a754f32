export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/** The totals of a JUnit report as `bun test` writes it. @throws where they are missing */
export function readJunit(xml: string): Counts {
  const head = /<testsuites [^>]*>/.exec(xml)?.[0]
  if (head === undefined) throw new Error('This is not a JUnit report')
  const number = (name: string) => {
    const value = new RegExp(` ${name}="(\\d+)"`).exec(head)?.[1]
    if (value === undefined) throw new Error(`The JUnit report does not say how many ${name}`)
    return Number(value)
  }
  const failed = number('failures')
  const skipped = number('skipped')
  return { passed: number('tests') - failed - skipped, failed, skipped }
}

export function countLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
}
