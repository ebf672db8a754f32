import { BlockList, isIP, isIPv4, isIPv6 } from 'node:net'

/** Where a request comes from. */
export interface ClientAddress {
  /** Null where the server cannot tell. */
  ip: string | null
  /** What limits are counted by: the address, or of an IPv6 one its /64, which one household holds whole. */
  network: string
  /** `network`, then for IPv6 the /56 and the /48 around it: one customer may be assigned as much (RIPE-690, 4.2). */
  networks: readonly Network[]
}

/** A range of addresses that one customer of a provider may hold. */
export interface Network {
  name: string
  /** How many times the limit of one household it may use. */
  share: number
}

export type ClientAddressOf = (peer: string | null, forwardedFor: string | null) => ClientAddress

/**
 * Tells the client's address. `X-Forwarded-For` is believed as far as it was written by trusted proxies:
 * read from its end, the first address that is none of theirs is the client's.
 * @param trustedProxies addresses and CIDR ranges @throws where one is neither
 */
export function createClientAddress(trustedProxies: readonly string[]): ClientAddressOf {
  const trusted = toBlockList(trustedProxies)
  const isTrusted = (ip: string) => trusted.check(ip, isIPv4(ip) ? 'ipv4' : 'ipv6')
  return (peer, forwardedFor) => {
    let ip = toIp(peer ?? '')
    if (ip !== undefined && forwardedFor !== null) {
      const hops = forwardedFor.split(',').map((hop) => toIp(hop.trim()))
      while (ip !== undefined && isTrusted(ip)) {
        const before = hops.pop()
        // A trusted proxy named nobody we can read: then it is itself all we know.
        if (before === undefined) break
        ip = before
      }
    }
    const networks = networksOf(ip)
    return { ip: ip ?? null, network: networks[0].name, networks }
  }
}

/** False for what {@link createClientAddress} would refuse. */
export function isAddressRange(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0 || rest.length > 0) return false
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128))
}

function toBlockList(ranges: readonly string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    if (!isAddressRange(range))
      throw new Error(`'${range}' is neither an IP address nor a CIDR range`)
    const [address = '', bits] = range.split('/')
    const family = isIPv4(address) ? 'ipv4' : 'ipv6'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}

/** Without zone and port; an IPv4 address that came mapped into IPv6 is the IPv4 one. */
function toIp(text: string): string | undefined {
  const bare = text.replace(/^\[(.*)\](:\d+)?$/, '$1').replace(/%.*$/, '')
  const address = /^[\d.]+:\d+$/.test(bare) ? bare.slice(0, bare.indexOf(':')) : bare
  if (isIP(address) === 0) return undefined
  return mappedIPv4(address) ?? address.toLowerCase()
}

/** The IPv4 address that an IPv6 one stands for, however it is written: `::ffff:0a00:1` is 10.0.0.1 (RFC 4291, 2.5.5.2). */
function mappedIPv4(ip: string): string | undefined {
  if (!isIPv6(ip)) return undefined
  const groups = groupsOf(ip)
  if (groups.slice(0, 6).join() !== '0,0,0,0,0,65535') return undefined
  return groups
    .slice(6)
    .flatMap((group) => [group >> 8, group & 0xff])
    .join('.')
}

/** RIPE-690: a household gets a /56, a business a /48. They may use four and sixteen times what a /64 may. */
const IPV6_RANGES = [
  { bits: 64, share: 1 },
  { bits: 56, share: 4 },
  { bits: 48, share: 16 },
] as const

function networksOf(ip: string | undefined): [Network, ...Network[]] {
  if (ip === undefined) return [{ name: 'unknown', share: 1 }]
  if (isIPv4(ip)) return [{ name: ip, share: 1 }]
  const groups = groupsOf(ip).slice(0, 4)
  const [narrow, ...wider] = IPV6_RANGES.map(({ bits, share }) => ({
    name: rangeOf(groups, bits),
    share,
  }))
  return [narrow ?? { name: ip, share: 1 }, ...wider]
}

/** The eight groups of an IPv6 address; the last two may be written as an IPv4 address. */
function groupsOf(ip: string): number[] {
  const hex = ip.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number)
    return [(a ?? 0) * 256 + (b ?? 0), (c ?? 0) * 256 + (d ?? 0)]
      .map((n) => n.toString(16))
      .join(':')
  })
  const [head = '', tail] = hex.split('::')
  const groups = head.split(':').filter((group) => group !== '')
  const behind = (tail ?? '').split(':').filter((group) => group !== '')
  const missing = tail === undefined ? 0 : 8 - groups.length - behind.length
  const all = [...groups, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...behind]
  return all.map((group) => Number.parseInt(group, 16))
}

function rangeOf(groups: readonly number[], bits: number): string {
  const kept = groups.map((group, at) => {
    const of = Math.min(16, Math.max(0, bits - at * 16))
    return (group & (0xffff << (16 - of)) & 0xffff).toString(16)
  })
  return `${kept.slice(0, Math.ceil(bits / 16)).join(':')}::/${bits}`
}
