import type { Config } from '#src/config/config.ts'
import { createLog } from '#src/lib/log.ts'
import type { Behaviour, Call } from '#standins/gemini/behaviour.ts'
import { turns } from './fake-clock.ts'
import { createTestChat } from './test-chat.ts'

/** What each model does; one that is not named answers with its name. */
export type Plan = Record<string, Behaviour>

const MODELS = { geminiModel: 'one', geminiModels: ['other'], geminiFallbackModels: ['two'] }
/** A chat with a default model `one`, its fallback `two`, and a model `other` that a room may choose. Stop it when done. */
export async function createModelChat(plan: Plan, settings: Partial<Config> = {}) {
  const lines: Record<string, unknown>[] = []
  const log = createLog('info', { to: { write: (line) => lines.push(JSON.parse(line)) } })
  const behave = ({ model }: Call): Behaviour =>
    plan[model] ?? { kind: 'answer', pieces: [`from ${model}`] }
  const chat = await createTestChat({ behave, log, settings: { ...MODELS, ...settings } })
  const owner = await chat.signIn()
  const { token } = owner
  const room = (body: object = {}) => chat.openRoom(token, body)
  /** Sends a prompt and gives what reads its reply once it is final, without moving the clock. */
  const prompt = async (roomId: string) => {
    const { reply } = await chat.prompt(token, roomId, 'Hi')
    return {
      read: () => chat.read(token, roomId, reply.id),
      final: () => chat.final(token, roomId, reply.id),
    }
  }
  return {
    chat,
    room,
    prompt,
    /** The reply to a prompt in a new room, which must not have to wait. */
    async ask(body: object = {}) {
      return (await prompt(await room(body))).final()
    },
    models: () => chat.gemini.calls.map(({ model }) => model),
    notReady: () => chat.services.provider.notReady(),
    used: async () => (await chat.services.quotas.read(owner)).used,
    said: (text: string) => lines.filter(({ msg }) => String(msg).includes(text)),
    async until(condition: () => boolean | Promise<boolean>) {
      while (!(await condition())) await turns(1)
    },
    [Symbol.asyncDispose]: chat.stop,
  }
}
