import { ERASED_PREFIX } from '#src/database/active-user.ts'

/** For statements in the old form; see active-user.ts for those in the new. */
export const NOBODY = ERASED_PREFIX

/** Of a row of users: the user is active. */
export const IS_SOMEBODY = `phone NOT LIKE '${NOBODY}%'`

/** Of a row of users: what its limits are counted by, see the schema. Never null. */
export const NUMBER_DIGEST = 'coalesce(users.number_digest, users.id)'
