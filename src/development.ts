import type { Config } from './config/config.ts'
import { createGeminiStandIn } from './standins/gemini/server.ts'

/** As the real model streams: slow enough to be seen. */
const PIECE_DELAY_MS = 60

export interface StandIns {
  /** The configuration with the stand-ins' addresses in it. */
  config: Config
  /** Where everything is, for whoever started the server at `url`. */
  welcome(url: string): string
  stop(): Promise<void>
}

/** Starts a stand-in for each outside service that has no key. @throws outside development */
export async function startStandIns(config: Config): Promise<StandIns> {
  if (config.nodeEnv !== 'development') throw new Error('Stand-ins run in development only')
  const gemini =
    config.geminiApiKey === 'stand-in' && config.geminiBaseUrl === undefined
      ? createGeminiStandIn({ pieceDelayMs: PIECE_DELAY_MS })
      : undefined
  return {
    config: { ...config, ...(gemini ? { geminiBaseUrl: gemini.url } : {}) },
    welcome: (url) => welcome(url, { 'Gemini stand-in': gemini?.url }),
    async stop() {
      await gemini?.stop()
    },
  }
}

function welcome(url: string, standIns: Record<string, string | undefined>): string {
  const places = Object.entries({ API: url, 'Swagger UI': `${url}/swagger`, ...standIns })
  const lines = places.flatMap(([name, at]) =>
    at === undefined ? [] : [`  ${name.padEnd(18)}${at}`],
  )
  return `\nPollux is running.\n\n${lines.join('\n')}\n`
}
