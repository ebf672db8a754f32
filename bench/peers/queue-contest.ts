/** What every queue of the contest does: no-op jobs, added one by one with so many adds under way at once. */
export const UNDER_WAY = 100
export const LANES = 200

/** Adds `count` jobs while they are being worked, waits for the last, and prints how long it took. */
export async function contest(
  count: number,
  add: (number: number) => unknown,
  done: { readonly count: number },
): Promise<never> {
  const startedAt = performance.now()
  let next = 0
  await Promise.all(
    Array.from({ length: UNDER_WAY }, async () => {
      while (next < count) await add(next++)
    }),
  )
  const deadline = startedAt + 60_000
  while (done.count < count && performance.now() < deadline) await Bun.sleep(1)
  const seconds = (performance.now() - startedAt) / 1_000
  console.log(`RESULT ${JSON.stringify({ done: done.count, perSecond: done.count / seconds })}`)
  process.exit(0)
}
