import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import type { Room } from '#src/modules/chatrooms/model.ts'
import type { World } from './world.ts'

const TEST_MS = 60_000
const ROUTE = '#operations-Chatrooms-postV1Chatroom'

const browser = ['chromium', 'chromium-browser', 'google-chrome']
  .map((name) => Bun.which(name))
  .find((path) => path !== null && existsSync(path))

/** Nothing but the server under test can be reached, and the browser asks nobody for updates. */
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
]

/** With the network cut, a browser shows Swagger UI and "Try it out" works with a token. */
export function testSwaggerPage(createWorld: () => Promise<World>): void {
  const name = 'a browser without the internet shows /swagger and tries a route out with a token'
  if (!browser && !process.env['CI']) {
    test.skip(`${name} (skipped: there is no chromium here)`, () => {})
    return
  }
  test(
    name,
    async () => {
      await using here = await createWorld()
      await here.start()
      const { page, seen, close } = await openPage(`${here.server.url}/swagger`)
      try {
        await page.click('.auth-wrapper .authorize')
        await page.fill('#auth-bearer-value', await here.signIn())
        await page.locator('.modal-ux form').first().locator('button[type=submit]').click()
        await page.locator('.modal-ux .btn-done').first().click()
        await page.reload()
        await page.click(`${ROUTE} .opblock-summary-control`)
        await page.click(`${ROUTE} .execute`)
        const answer = page.locator(`${ROUTE} .live-responses-table .response`)
        const told = { answer: (await answer.textContent())?.slice(0, 3), faults: seen.faults }
        expect(told).toEqual({ answer: '201', faults: [] })
        // The page's own example was sent with the token that outlived the reload.
        const shown = await answer.locator('pre.microlight').first().textContent()
        const body: Room = JSON.parse(shown ?? '')
        expect(body.title).toBe('Trip to Bergen')
      } finally {
        await close()
      }
      expect(seen.faults).toEqual([])
      expect([...seen.origins]).toEqual([here.server.url])
    },
    TEST_MS,
  )
}

async function openPage(url: string) {
  const running = await chromium.launch({ executablePath: browser ?? '', args: FLAGS })
  const page = await running.newPage({ viewport: { width: 1280, height: 1000 } })
  const seen = { origins: new Set<string>(), faults: [] as string[] }
  page.on('request', (request) => {
    const { protocol, origin } = new URL(request.url())
    if (protocol !== 'data:') seen.origins.add(origin)
  })
  // A breach of the page's policy is told on the console.
  page.on('console', (message) => {
    if (message.type() !== 'log') seen.faults.push(message.text())
  })
  page.on('requestfailed', (request) => {
    seen.faults.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`)
  })
  page.on('pageerror', (error) => seen.faults.push(error.message))
  await page.goto(url)
  await page.waitForSelector('.opblock')
  return { page, seen, close: () => running.close() }
}
