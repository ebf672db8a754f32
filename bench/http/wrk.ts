import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One request of a run; `wrk` sends them in turn over all its connections. */
export interface WrkRequest {
  method: 'GET' | 'POST'
  path: string
  token?: string
  body?: string
  /** How the `Idempotency-Key` of its own is made, which it has each time it is sent. */
  key?: 'uuidv7' | 'random'
}

/** What a sampled answer must hold: this text, at least so many times. */
export interface Expected {
  text: string
  times: number
}

export interface WrkRun {
  perSecond: number
  p50Ms: number
  p99Ms: number
  requests: number
  /** Answers by status. */
  statuses: Record<string, number>
  socketErrors: number
  /** Bodies looked at, one in 64, and how many of them were not as expected. */
  sampled: number
  wrong: number
}

export const hasWrk = Bun.which('wrk') !== null

/** The published load generator (https://github.com/wg/wrk) on one thread, told to count every status. */
export async function wrk(
  url: string,
  requests: readonly WrkRequest[],
  options: { connections: number; seconds: number; expected: Expected },
): Promise<WrkRun> {
  const folder = await mkdtemp(join(tmpdir(), 'pollux-wrk-'))
  try {
    const script = join(folder, 'load.lua')
    await Bun.write(script, toLua(requests, options.expected))
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
function toLua(requests: readonly WrkRequest[], { text, times }: Expected): string {
  const items = requests.map(({ method, path, token, body, key }) => {
    const headers = [
      token === undefined ? '' : `["Authorization"]="Bearer ${token}",`,
      body === undefined ? '' : `["Content-Type"]="application/json",`,
      key === undefined ? '' : `["Idempotency-Key"]="${KEY}${key}",`,
    ].join('')
    return `{${quote(method)},${quote(path)},{${headers}},${body === undefined ? 'nil' : quote(body)}}`
  })
  return `
local wanted = {${items.join(',\n')}}
math.randomseed(os.time())
local made, turn, seen, keys = {}, 0, 0, 0
local startedAt = os.time() * 1000
statuses = {}
sampled, wrong = 0, 0
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  for at, one in ipairs(wanted) do
    local text = wrk.format(one[1], one[2], one[3], one[4])
    local from, to, kind = string.find(text, '${KEY}(%w+)')
    made[at] = from and { string.sub(text, 1, from - 1), string.sub(text, to + 1), kind } or text
  end
end
function request()
  turn = turn % #made + 1
  local one = made[turn]
  if type(one) == 'string' then return one end
  keys = keys + 1
  local key
  if one[3] == 'uuidv7' then
    local at = startedAt + math.floor(keys / 4096)
    key = string.format('%08x-%04x-7%03x-8000-%012x', math.floor(at / 65536), at % 65536, keys % 4096, math.random(0, 2147483647))
  else
    key = string.format('%08x-%04x-4000-8000-%012x', math.random(0, 2147483647), math.random(0, 65535), startedAt * 100 + keys)
  end
  return one[1] .. key .. one[2]
end
function holds(body)
  local from, count = 1, 0
  while count < ${times} do
    local found, last = string.find(body, ${quote(text)}, from, true)
    if not found then return false end
    from, count = last + 1, count + 1
  end
  return true
end
function response(status, headers, body)
  statuses[status] = (statuses[status] or 0) + 1
  seen = seen + 1
  if seen % 64 == 1 then
    sampled = sampled + 1
    if not holds(body) then wrong = wrong + 1 end
  end
end
function done(summary, latency)
  local parts, looked, bad = {}, 0, 0
  for _, thread in ipairs(threads) do
    looked, bad = looked + thread:get('sampled'), bad + thread:get('wrong')
    for status, count in pairs(thread:get('statuses')) do
      table.insert(parts, string.format('"%d":%d', status, count))
    end
  end
  local e = summary.errors
  io.write(string.format(
    'RESULT {"perSecond":%.1f,"p50Ms":%.3f,"p99Ms":%.3f,"requests":%d,"statuses":{%s},"socketErrors":%d,"sampled":%d,"wrong":%d}\\n',
    summary.requests / (summary.duration / 1e6), latency:percentile(50) / 1000, latency:percentile(99) / 1000,
    summary.requests, table.concat(parts, ','), e.connect + e.read + e.write + e.timeout, looked, bad))
end
`
}

/** Where a key is put in. */
const KEY = '@key@'

function quote(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
