import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One request of a run; `wrk` sends them in turn over all its connections. */
export interface WrkRequest {
  method: 'GET' | 'POST'
  path: string
  token?: string
  body?: string
}

export interface WrkRun {
  perSecond: number
  p50Ms: number
  p99Ms: number
  requests: number
  /** Answers by status. */
  statuses: Record<string, number>
  socketErrors: number
}

export const hasWrk = Bun.which('wrk') !== null

/** The published load generator (https://github.com/wg/wrk) on one thread, told to count every status. */
export async function wrk(
  url: string,
  requests: readonly WrkRequest[],
  options: { connections: number; seconds: number },
): Promise<WrkRun> {
  const folder = await mkdtemp(join(tmpdir(), 'pollux-wrk-'))
  try {
    const script = join(folder, 'load.lua')
    await Bun.write(script, toLua(requests))
    const child = Bun.spawn(
      [
        'wrk',
        '-t1',
        `-c${options.connections}`,
        `-d${options.seconds}s`,
        '--timeout',
        '10s',
        '-s',
        script,
        url,
      ],
      { stdout: 'pipe', stderr: 'pipe' },
    )
    const output = await new Response(child.stdout).text()
    if ((await child.exited) !== 0)
      throw new Error(`wrk failed: ${await new Response(child.stderr).text()}`)
    const line = /^RESULT (.*)$/m.exec(output)?.[1]
    if (line === undefined) throw new Error(`wrk said nothing we can read:\n${output}`)
    // Written by `done` of our own script.
    return JSON.parse(line) as WrkRun
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Requests are formatted once and sent in turn: the generator must not be what is measured. Statuses live in
 * the thread's own Lua state, from where `done` fetches them.
 */
function toLua(requests: readonly WrkRequest[]): string {
  const items = requests.map(({ method, path, token, body }) => {
    const headers = [
      token === undefined ? '' : `["Authorization"]="Bearer ${token}",`,
      body === undefined ? '' : '["Content-Type"]="application/json",',
    ].join('')
    return `{${quote(method)},${quote(path)},{${headers}},${body === undefined ? 'nil' : quote(body)}}`
  })
  return `
local wanted = {${items.join(',\n')}}
local made, turn = {}, 0
statuses = {}
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  for at, one in ipairs(wanted) do made[at] = wrk.format(one[1], one[2], one[3], one[4]) end
end
function request()
  turn = turn % #made + 1
  return made[turn]
end
function response(status)
  statuses[status] = (statuses[status] or 0) + 1
end
function done(summary, latency)
  local parts = {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get('statuses')) do
      table.insert(parts, string.format('"%d":%d', status, count))
    end
  end
  local e = summary.errors
  io.write(string.format(
    'RESULT {"perSecond":%.1f,"p50Ms":%.3f,"p99Ms":%.3f,"requests":%d,"statuses":{%s},"socketErrors":%d}\\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.requests, table.concat(parts, ','), e.connect + e.read + e.write + e.timeout))
end
`
}

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
