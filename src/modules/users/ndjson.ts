import { toInstant } from '#src/lib/time.ts'
import type { Entry } from './export.ts'

/**
 * One JSON object a line. A page is read only once the one before has left, so a slow reader costs one page, and in a
 * later tick of the event loop, so a fast one does not hold up the requests of others.
 * @param ended called once, when all is read or the reader is gone
 */
export function toNdjson(
  pages: AsyncGenerator<Entry[]>,
  ended: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let isOver = false

  function end() {
    if (isOver) return
    isOver = true
    ended()
  }

  async function readNext() {
    try {
      return await pages.next()
    } catch (error) {
      end()
      throw error
    }
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await new Promise<void>((resolve) => setImmediate(resolve))
        if (isOver) return
        const page = await readNext()
        // The reader may have gone while the page was read.
        if (isOver) return
        if (page.done) {
          end()
          return controller.close()
        }
        const lines = page.value.map((entry) => `${JSON.stringify(entry, readable)}\n`)
        controller.enqueue(encoder.encode(lines.join('')))
      },
      async cancel() {
        end()
        await pages.return(undefined)
      },
    },
    { highWaterMark: 0 },
  )
}

const FLAGS = new Set(['hasPassword', 'cancelAtPeriodEnd', 'livemode'])

/** Instants and flags as the API shows them; in the database both are numbers. */
function readable(name: string, value: unknown): unknown {
  if (typeof value !== 'number') return value
  if (name === 'at' || name.endsWith('At') || /^period(Start|End)$/.test(name)) {
    return toInstant(value)
  }
  return FLAGS.has(name) ? value === 1 : value
}
