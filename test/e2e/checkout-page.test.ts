import { expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { chromium, type Page } from 'playwright-core'
import type { CheckoutPage, SubscriptionStatus } from '#src/modules/billing/model.ts'
import { call } from '#test/support/client.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { fromSource, startServer } from '#test/support/server.ts'

const TEST_MS = 60_000
const PHONE = '+12025550177'

const browser = ['chromium', 'chromium-browser', 'google-chrome']
  .map((name) => Bun.which(name))
  .find((path) => path !== null && existsSync(path))

/** Nothing but this machine can be reached, and the browser asks nobody for updates. */
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

/** A folder to leave pictures of the pages in, for the documents; none by default. */
const PICTURES = process.env['PICTURES']

const name = 'with no key and no network a browser subscribes, pays, and manages the subscription'
if (!browser && !process.env['CI']) {
  test.skip(`${name} (skipped: there is no chromium here)`, () => {})
} else {
  test(name, inABrowser, TEST_MS)
}

async function inABrowser() {
  await using folder = await temporaryFolder()
  const port = freePort()
  await using server = await startServer({
    command: fromSource,
    cwd: folder.path,
    environment: {
      NODE_ENV: 'development',
      PORT: String(port),
      PUBLIC_URL: `http://127.0.0.1:${port}`,
    },
  })
  const token = await logIn(server.url)
  const status = async () =>
    (await call<SubscriptionStatus>(server.url, 'GET', '/v1/subscription/status', { token })).body
  const post = async (path: string) =>
    (await call<CheckoutPage>(server.url, 'POST', path, { token })).body
  const running = await chromium.launch({ executablePath: browser ?? '', args: FLAGS })
  try {
    const page = await running.newPage({ viewport: { width: 900, height: 640 } })

    const { url } = await post('/v1/subscribe/pro')
    await page.goto(url)
    await picture(page, 'stripe-checkout')
    await page.getByRole('button', { name: 'Decline the card' }).click()
    expect(await page.getByRole('alert').textContent()).toContain('declined')
    expect(await status()).toMatchObject({ tier: 'basic', quota: { limit: 5 } })

    await page.getByRole('button', { name: 'Pay', exact: true }).click()
    await page.waitForURL('**/v1/subscription/return?outcome=paid')
    expect(await page.getByRole('heading').textContent()).toBe('Thank you')
    await until(async () => (await status()).tier === 'pro')
    expect(await status()).toMatchObject({ status: 'active', quota: { limit: null } })

    await page.goto((await post('/v1/subscription/portal')).url)
    await picture(page, 'stripe-portal')
    await page.getByRole('button', { name: 'Cancel the subscription' }).click()
    await until(async () => (await status()).cancelAtPeriodEnd)

    await page.goto(new URL(url).origin)
    await page.setViewportSize({ width: 1_000, height: 900 })
    await picture(page, 'stripe-control')
    await page.getByRole('button', { name: 'unpaid', exact: true }).click()
    await until(async () => (await status()).tier === 'basic')
    await page.getByRole('button', { name: 'active', exact: true }).click()
    await until(async () => (await status()).tier === 'pro')
  } finally {
    await running.close()
  }
}

async function logIn(url: string): Promise<string> {
  await call(url, 'POST', '/v1/auth/signup', { body: { phone: PHONE } })
  const sent = await call<{ otp: string }>(url, 'POST', '/v1/auth/send-otp', {
    body: { phone: PHONE },
  })
  const verified = await call<{ token: string }>(url, 'POST', '/v1/auth/verify-otp', {
    body: { phone: PHONE, otp: sent.body.otp },
  })
  return verified.body.token
}

async function picture(page: Page, called: string): Promise<void> {
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${called}.png` })
}

/** The webhook is on its way; nothing tells a client when it has been taken in. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('It did not come to pass in ten seconds')
    await Bun.sleep(20)
  }
}

/** The page a browser comes back to is named by the port, so it must be known before the start. */
function freePort(): number {
  const probe = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: () => new Response() })
  const { port } = probe
  void probe.stop(true)
  return port ?? 0
}
