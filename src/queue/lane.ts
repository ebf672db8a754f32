import { type Connection, syncCommand } from '#src/database/command.ts'
import {
  FORGET_LANE,
  LAST_OF_LANE,
  LEAVE_LANE,
  NEXT_OF_LANE,
  SET_LAST,
  WAITS_IN_LANE,
} from './sql.ts'

/**
 * The order of a lane: each parked job knows the one before it, and the lane its last. An index by lane would be
 * written amid those of other lanes, a page for each newcomer; this one grows at its end (docs/decisions/078).
 */
export function prepareLanes({ sqlite }: Connection) {
  const lastOf = sqlite.query<{ last: number | null }, [string]>(LAST_OF_LANE)
  const nextOf = sqlite.query<{ id: number; kind: string }, [number]>(NEXT_OF_LANE)
  const setLast = sqlite.query<unknown, [string, number]>(SET_LAST)
  const closeUp = sqlite.query<unknown, [number, number]>(LEAVE_LANE)
  const forget = sqlite.query<unknown, [string]>(FORGET_LANE)
  return {
    /** The job that a newcomer waits for; null where the lane is free. */
    last: (lane: string): number | null => lastOf.get(lane)?.last ?? null,
    /** The one parked behind a job. */
    next: (id: number) => nextOf.get(id) ?? undefined,
    /** This job was parked as the lane's last. */
    join: (lane: string, id: number) => void setLast.run(lane, id),
    /** A job of the lane has become ready. */
    moved: (lane: string) => void forget.run(lane),
    /** This job was parked and has ended: who waited for it waits for the one before it. */
    leave({ id, lane, behind }: { id: number; lane: string; behind: number }) {
      if (closeUp.run(id, behind).changes > 0) return
      setLast.run(lane, behind)
      forget.run(lane)
    },
  }
}

/** Whether a job of this kind has yet to begin in the lane. Reads as many as wait there. */
export const waits = syncCommand('queue.waits', ({ sqlite }) => {
  const find = sqlite.query<unknown, [{ lane: string; kind: string }]>(WAITS_IN_LANE)
  return (_tx, place: { lane: string; kind: string }): boolean => find.get(place) !== null
})
