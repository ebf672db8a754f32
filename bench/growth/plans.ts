import { createApp } from '../../src/app.ts'
import { parseConfig } from '../../src/config/config.ts'
import { openDatabase } from '../../src/database/sqlite/open.ts'
import { systemClock as clock } from '../../src/lib/clock.ts'
import { silentLog as log } from '../../src/lib/log.ts'
import { systemRandom as random } from '../../src/lib/random.ts'
import { createWorker } from '../../src/queue/worker.ts'
import { createServices } from '../../src/services.ts'
import { noteStatements, walksOf } from '../../test/support/plans.ts'
import { JWT_SECRET } from '../support/world.ts'
import { pickPlaces } from './people.ts'

/** Statements of the program that would read a whole table of this file, with the statistics it has. */
export async function walksOverTables(path: string, geminiUrl: string): Promise<string[]> {
  const [place] = await pickPlaces(path, 1)
  if (!place) throw new Error(`${path} is empty`)
  const { statements, restore } = noteStatements()
  const database = openDatabase(path)
  try {
    const { config } = parseConfig({ NODE_ENV: 'test', JWT_SECRET })
    const settings = {
      geminiBaseUrl: geminiUrl,
      autoTitle: false,
      basicDailyPrompts: 1_000_000,
      promptsPerMinute: 1_000_000,
      maxPendingPrompts: 1_000_000,
    }
    const deps = { config: { ...config, ...settings }, database, clock, random, log }
    const services = createServices(deps)
    const app = createApp(deps, services)
    const room = `/v1/chatroom/${place.roomId}`
    const headers = {
      authorization: `Bearer ${place.token}`,
      'last-event-id': place.lastEventId,
      'content-type': 'application/json',
      'idempotency-key': random.id(clock.now()),
    }
    const send = async (method: string, path: string, body?: string) => {
      const init = { method, headers, ...(body === undefined ? {} : { body }) }
      const answer = await app.handle(new Request(`http://localhost${path}`, init))
      if (!answer.ok) throw new Error(`${answer.status} of ${method} ${path}`)
      return answer
    }
    for (const path of [
      '/v1/user/me',
      '/v1/chatroom',
      ...['', '/message', '/message/all', '/message/all?order=desc'].map((end) => room + end),
      `/v1/search?q=${place.word}`,
    ]) {
      await send('GET', path)
    }
    await (await send('GET', `${room}/events`)).body?.cancel()
    const worker = createWorker({ database, queue: services.queue, clock, random, log })
    await worker.start({ alone: true })
    const accepted = await send('POST', `${room}/message`, '{"userPrompt":"«1»"}')
    await send('GET', `${accepted.headers.get('location')}?wait=25`)
    await worker.stop(0)
    restore()
    return [...statements].flatMap((sql) => walksOf(database.sqlite, sql))
  } finally {
    restore()
    database.close()
  }
}
