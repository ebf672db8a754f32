/**
 * Topics of what happens in a room and to a user; the payload only says what kind of thing it was.
 * `stored`: ask the database again; `live`: the reply in progress has grown or begun again.
 */
export const roomTopic = (roomId: string) => `room:${roomId}`
export const userTopic = (userId: string) => `user:${userId}`

/** A reply became final; the payload is its id. */
export const REPLY_ENDED = 'reply.ended'
