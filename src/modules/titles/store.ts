import type { Command } from '#src/database/command.ts'

export interface TitleStore {
  /** The room's first answered exchange; undefined once somebody named the room, or it is gone. */
  firstExchange(roomId: string): Promise<{ prompt: string; reply: string } | undefined>
  /** Names the room, unless a person did meanwhile. */
  name: Command<{ roomId: string; title: string; now: number }, void>
}
