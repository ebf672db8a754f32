import { largeBodies } from './bodies.ts'
import { unknownNumbers } from './codes.ts'
import { exports } from './exports.ts'
import type { Attack } from './harness/attacker.ts'
import { hashes } from './hashes.ts'
import { idempotencyKeys } from './idempotency-keys.ts'
import { newAccounts } from './new-accounts.ts'
import { fastReaders, slowReaders } from './pages.ts'
import { longPolls } from './polls.ts'
import { portal } from './portal.ts'
import { cancelled, deletedRooms, refused, unfinished } from './refunds.ts'
import { rooms } from './rooms.ts'
import { search } from './search.ts'
import { sessions } from './sessions.ts'
import { resumed, streams } from './streams.ts'
import { titleFilter } from './title-filter.ts'

/** Every attack, in the order of the run. */
export const attacks: readonly Attack[] = [
  search,
  cancelled,
  deletedRooms,
  refused,
  unfinished,
  newAccounts,
  slowReaders,
  fastReaders,
  streams,
  resumed,
  portal,
  unknownNumbers,
  hashes,
  titleFilter,
  exports,
  longPolls,
  largeBodies,
  idempotencyKeys,
  rooms,
  sessions,
]
