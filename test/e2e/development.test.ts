import { expect, test } from 'bun:test'
import type { Message } from '#src/modules/messages/model.ts'
import { temporaryFolder } from '#test/support/folder.ts'
import { fromSource, startServer } from '#test/support/server.ts'

test('the three commands that development prints sign up, log in and chat when pasted', async () => {
  await using folder = await temporaryFolder()
  // No key at all, as on a fresh machine.
  await using server = await startServer({
    command: fromSource,
    cwd: folder.path,
    environment: { NODE_ENV: 'development' },
  })
  const commands = server.lines.filter((line) => /curl -s/.test(line))
  expect(commands).toHaveLength(3)
  const shell = Bun.spawn(['sh', '-eu', '-c', commands.join('\n')], { stdout: 'pipe' })
  const [signedUp, token, reply] = (await new Response(shell.stdout).text()).trim().split('\n')
  expect(await shell.exited).toBe(0)
  expect(JSON.parse(signedUp ?? '')).toHaveProperty('message')
  expect(token?.split('.')).toHaveLength(3)
  // The last command prints one message.
  const message = JSON.parse(reply ?? '') as Message
  expect(message).toMatchObject({ role: 'assistant', status: 'complete', content: '6 * 7 = 42.' })

  const places = server.lines.flatMap((line) => /^ {2}\S.* (http\S+)$/.exec(line)?.[1] ?? [])
  expect(places.length).toBeGreaterThanOrEqual(4)
  for (const place of places.slice(1)) expect((await fetch(place)).status).toBeLessThan(500)
  expect(await server.stop()).toBe(0)
}, 30_000)
