/** The phone of a row that is nobody's any more and stays only until all below it is erased begins so. */
export const NOBODY = 'erased:'

/** Of a row of users: whoever is still somebody. */
export const IS_SOMEBODY = `phone NOT LIKE '${NOBODY}%'`

/** The others, for whom the index of phones is asked: `;` follows `:`. */
export const IS_NOBODY = `phone >= '${NOBODY}' AND phone < '${NOBODY.replace(':', ';')}'`

/** Of a row of users: what its limits are counted by, see the schema. Never null. */
export const NUMBER_DIGEST = 'coalesce(users.number_digest, users.id)'
