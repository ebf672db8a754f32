import { expect, test } from 'bun:test'
import { t } from 'elysia'
import { bodyParser } from '#src/queue/job-body.ts'

test('a body that does not match its schema is refused with its place', () => {
  const parse = bodyParser('room.paint', t.Object({ roomId: t.String() }))
  expect(parse({ roomId: 'r' })).toEqual({ roomId: 'r' })
  expect(() => parse({ roomId: 7 })).toThrow(
    "The body of a room.paint job is wrong at '/roomId': Expected string",
  )
  expect(() => parse('r')).toThrow("wrong at '': Expected object")
})
