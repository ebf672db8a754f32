export const CONTENT =
  'What should I pack for Bergen in November? A rain jacket, above all, and wool.'

/** What every contender knows of an answered reply. */
export const ANSWERED = {
  model: 'gemini-2.5-flash-lite',
  finishReason: 'STOP',
  promptTokens: 12,
  replyTokens: 17,
  contextMessages: 2,
}
