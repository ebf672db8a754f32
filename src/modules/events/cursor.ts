/**
 * What a reader has been sent. The event id holds all of it, so that a stream goes on after a restart of the server.
 * Numbers are the room's own: its revision, and of the last reply streamed its place, attempt and length.
 */
export interface ReaderCursor {
  /** All changes of the room up to this revision have been sent. */
  revision: number
  /** Position of the reply whose text was sent last; 0 for none. */
  position: number
  /** The attempt whose text was sent; one more than the last attempt once the end of the reply was sent. */
  attempt: number
  /** How much of the text was sent, in UTF-16 code units. */
  offset: number
  /** Tag of the quota that was sent last; empty for none. */
  quota: string
}

const VERSION = '1'
const FORM = /^1\.([0-9a-f]{12})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.(\d{1,15})\.([\w:-]{0,60})$/

export function encodeCursor(roomId: string, cursor: ReaderCursor): string {
  const { revision, position, attempt, offset, quota } = cursor
  const text = [VERSION, tagOf(roomId), revision, position, attempt, offset, quota].join('.')
  return Buffer.from(text).toString('base64url')
}

/** Undefined for what is malformed or was given out for another room. */
export function decodeCursor(roomId: string, id: string | null): ReaderCursor | undefined {
  if (id === null || id.length > 400) return undefined
  const [, room, ...fields] = FORM.exec(Buffer.from(id, 'base64url').toString()) ?? []
  if (room !== tagOf(roomId)) return undefined
  const [revision, position, attempt, offset] = fields.slice(0, 4).map(Number)
  if (revision === undefined || position === undefined) return undefined
  if (attempt === undefined || offset === undefined) return undefined
  return { revision, position, attempt, offset, quota: fields[4] ?? '' }
}

function tagOf(roomId: string): string {
  return roomId.slice(-12)
}
