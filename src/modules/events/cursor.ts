/**
 * What a reader has been told, all of it in the event id: enough to go on after a restart of the server.
 * Numbers are the room's own: its revision, and of the last reply streamed its place, attempt and length.
 */
export interface ReaderCursor {
  /** Everything the room stored up to this revision has been told. */
  revision: number
  /** Place of the reply whose text was told last; 0 for none. */
  position: number
  /** Of that text; one more than its last once its end was told. */
  attempt: number
  /** UTF-16 code units of its text that were told. */
  offset: number
  /** The quota told last, as its tag; empty for none. */
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
