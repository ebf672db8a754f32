import { expect, test } from 'bun:test'
import { createClientAddress } from '#src/lib/address.ts'
import { createAccountApp } from '#test/support/test-accounts.ts'

test('a forwarding header is believed as far as trusted proxies wrote it', () => {
  const addressOf = createClientAddress(['10.0.0.0/8', '::1'])
  const ip = (peer: string, forwarded: string | null) => addressOf(peer, forwarded).ip
  expect(ip('203.0.113.7', '1.1.1.1')).toBe('203.0.113.7')
  expect(ip('10.0.0.1', '1.1.1.1')).toBe('1.1.1.1')
  expect(ip('::ffff:10.0.0.1', '6.6.6.6, 1.1.1.1, 10.9.9.9')).toBe('1.1.1.1')
  expect(ip('10.0.0.1', '1.1.1.1, nonsense')).toBe('10.0.0.1')
  expect(ip('10.0.0.1', null)).toBe('10.0.0.1')
})

test('an IPv6 address counts by its /64, however it is written', () => {
  const addressOf = createClientAddress([])
  const networks = ['2001:db8:0:1::1', '2001:DB8::1:ffff:0:0:1', '2001:db8:0:1:2:3:4:5'].map(
    (peer) => addressOf(peer, null).network,
  )
  expect(new Set(networks)).toEqual(new Set(['2001:db8:0:1::/64']))
  expect(addressOf(null, '1.1.1.1').network).toBe('unknown')
})

test('an IPv4 address mapped into IPv6 is that IPv4 address, however it is written', () => {
  const addressOf = createClientAddress(['10.0.0.0/8'])
  for (const one of [
    '::ffff:203.0.113.7',
    '::FFFF:cb00:7107',
    '0:0:0:0:0:ffff:cb00:7107',
    '0000::ffff:203.0.113.7',
    '[::ffff:cb00:7107]:443',
  ]) {
    expect([one, addressOf('10.0.0.1', one).ip]).toEqual([one, '203.0.113.7'])
    expect([one, addressOf(one, null).network]).toEqual([one, '203.0.113.7'])
  }
  expect(addressOf('::fffe:cb00:7107', null).network).toBe('0:0:0:0::/64')
  expect(addressOf('::ffff:0a00:1', '1.1.1.1').ip).toBe('1.1.1.1')
})

test('over a socket: spoofed forwarding headers share the one bucket of their sender', async () => {
  const { app } = createAccountApp({ otpPerIpHour: 3 })
  app.listen({ port: 0, hostname: '127.0.0.1' })
  const ask = (at: number) =>
    fetch(`http://127.0.0.1:${app.server?.port}/v1/auth/send-otp`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-forwarded-for': `198.51.100.${at}`,
        forwarded: `for=198.51.100.${at}`,
        'x-real-ip': `198.51.100.${at}`,
        'cf-connecting-ip': `198.51.100.${at}`,
      },
      body: JSON.stringify({ phone: `+493090182${at}` }),
    }).then(({ status }) => status)
  const statuses: number[] = []
  for (let at = 0; at < 4; at++) statuses.push(await ask(at))
  await app.stop(true)
  expect(statuses).toEqual([202, 202, 202, 429])
})
