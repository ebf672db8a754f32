import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { createStripeStandIn, STAND_IN_PRICE } from '#standins/stripe/server.ts'
import { matches, readExamples, runExamples } from '#test/support/examples.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { installClient } from '#test/support/install-client.ts'
import type { World, WorldOptions } from './world.ts'

const TEST_MS = 120_000
const root = join(import.meta.dir, '../..')
const clients = join(root, 'docs/clients')
const collection = join(root, 'docs/pollux.postman_collection.json')

/** What docs/ gives to those who write clients, run against the program. */
export function testClients(createWorld: (options?: WorldOptions) => Promise<World>): void {
  test(
    'the Postman collection runs whole: every request is answered as it expects',
    async () => {
      await installClient('postman')
      const webhookSecret = 'whsec_of_the_collection'
      const metricsToken = 'metrics-token-of-the-collection-0123456789'
      const stripe = createStripeStandIn({ webhookSecret })
      await using here = await createWorld({
        settings: {
          OTP_DELIVERY: 'response',
          METRICS_TOKEN: metricsToken,
          STRIPE_SECRET_KEY: 'sk_test_collection',
          STRIPE_WEBHOOK_SECRETS: webhookSecret,
          STRIPE_PRO_PRICES: STAND_IN_PRICE.id,
          STRIPE_API_BASE: stripe.url,
        },
      })
      await here.start()
      await using folder = await temporaryFolder()
      const report = folder.file('newman.json')
      const variables = {
        baseUrl: here.server.url,
        stripeWebhookSecret: webhookSecret,
        metricsToken,
      }
      const { code, out } = await run([
        process.execPath,
        join(clients, 'postman/node_modules/newman/bin/newman.js'),
        'run',
        collection,
        ...(await endingFolders()).flatMap((name) => ['--folder', name]),
        ...Object.entries(variables).flatMap(([name, value]) => ['--env-var', `${name}=${value}`]),
        ...['--timeout-request', '30000', '--reporters', 'cli,json'],
        ...['--reporter-json-export', report],
      ])
      await stripe.stop()
      if (code !== 0) throw new Error([out, ...here.server.lines.slice(-5)].join('\n'))
      const { run: result }: NewmanReport = await Bun.file(report).json()
      const statuses = result.executions.map(({ response }) => response.code)
      expect(statuses).toHaveLength(await endingRequests())
      // With every key given, only what is not subscribed and what was quicker may be refused.
      expect(statuses.filter((status) => status >= 300 && status !== 409)).toEqual([])
    },
    TEST_MS,
  )

  for (const [name, main] of [
    ['typescript-openapi', 'src/main.ts'],
    ['typescript-eden', 'main.ts'],
  ] as const) {
    test(
      `the ${name} client signs up, asks and is answered`,
      async () => {
        await installClient(name)
        await using here = await createWorld({ settings: { OTP_DELIVERY: 'response' } })
        await here.start()
        const { code, out } = await run([
          process.execPath,
          join(clients, name, main),
          here.server.url,
          '+12125550143',
        ])
        expect(out).toBe('Hello Ada, you have 5 prompts left today.\n2 + 2 = 4.\n')
        expect(code).toBe(0)
      },
      TEST_MS,
    )
  }

  test(
    'the commands of docs/api.md print what it shows',
    async () => {
      await using here = await createWorld({ settings: { OTP_DELIVERY: 'response' } })
      await here.start()
      await using folder = await temporaryFolder()
      const examples = readExamples(await Bun.file(join(root, 'docs/api.md')).text())
      const { code, errors, outputs } = await runExamples(
        examples,
        { URL: here.server.url },
        folder.path,
      )
      expect([code, errors]).toEqual([0, ''])
      expect(examples.length).toBeGreaterThan(9)
      for (const [at, { commands, output }] of examples.entries()) {
        const printed = outputs[at] ?? ''
        if (output === undefined || matches(output, printed)) continue
        expect({ commands, printed }).toEqual({ commands, printed: output.trim() })
      }
    },
    TEST_MS,
  )
}

interface NewmanReport {
  run: { executions: { response: { code: number } }[] }
}

interface CollectionFile {
  item: { name: string; item: unknown[] }[]
}

/** All but the folder of the stream, which does not end. */
async function endingFolders(): Promise<string[]> {
  const { item }: CollectionFile = await Bun.file(collection).json()
  return item.map(({ name }) => name).filter((name) => name !== '6 Live')
}

async function endingRequests(): Promise<number> {
  const { item }: CollectionFile = await Bun.file(collection).json()
  return item.filter(({ name }) => name !== '6 Live').flatMap(({ item: items }) => items).length
}

async function run(command: string[], cwd = root): Promise<{ code: number; out: string }> {
  const child = Bun.spawn(command, {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '' },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const [out, code] = await Promise.all([new Response(child.stdout).text(), child.exited])
  return { out, code }
}
