/**
 * Topics of what happens in a room and to a user; the payload only says what kind of thing it was.
 * Of a room, `stored`: ask the database again; `live`: the reply in progress has grown or begun again.
 * Of a user, `quota`: it changed; `session`: one of the user's sessions ended, or all with the account.
 */
export const roomTopic = (roomId: string) => `room:${roomId}`
export const userTopic = (userId: string) => `user:${userId}`

/** A reply became final; the payload is its id. */
export const REPLY_ENDED = 'reply.ended'
