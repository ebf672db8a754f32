import { flag, headerValue, integer, list, optionalUrl, text } from './option.ts'

/** Settings of the provider of answers and of what it is asked. */
export const geminiOptions = {
  geminiApiKey: text(
    'GEMINI_API_KEY',
    { describe: 'Key of the Gemini API', secret: true, development: 'stand-in' },
    headerValue,
  ),
  geminiBaseUrl: optionalUrl(
    'GEMINI_BASE_URL',
    { describe: 'Another address of the Gemini API, without the version' },
    {
      allowed: 'an http or https URL without /v1beta, /v1 or /models at its end, which Pollux adds',
      test: (given) => !/\/(v\d\w*|models)$/.test(new URL(given).pathname.replace(/\/+$/, '')),
    },
  ),
  geminiModel: text('GEMINI_MODEL', {
    describe: 'Default model',
    default: 'gemini-2.5-flash-lite',
  }),
  geminiModels: list('GEMINI_MODELS', {
    describe: 'Models a room may choose besides the default',
    default: [],
  }),
  geminiFallbackModels: list('GEMINI_FALLBACK_MODELS', {
    describe:
      'Tried in order when a model is overloaded, gone or out of its quota; the name of GEMINI_MODEL for none',
    default: ['gemini-flash-lite-latest'],
  }),
  systemPrompt: text('SYSTEM_PROMPT', {
    describe: 'Default instruction to the model',
    kind: 'lines',
    default: 'Keep the response short',
  }),
  contextTokens: integer('CONTEXT_TOKENS', {
    describe: 'Estimated tokens of conversation sent with a prompt; 0 sends none',
    min: 0,
    max: 1_000_000,
    default: 8_000,
  }),
  geminiInputTokens: integer('GEMINI_INPUT_TOKENS', {
    describe: 'Estimated tokens a model takes at most; a larger prompt is refused',
    min: 100,
    max: 10_000_000,
    default: 1_000_000,
  }),
  geminiHeadersSeconds: integer('GEMINI_HEADERS_SECONDS', {
    describe: 'Longest wait for an answer of the model to begin, seconds',
    min: 1,
    max: 3_600,
    default: 60,
  }),
  geminiSilenceSeconds: integer('GEMINI_SILENCE_SECONDS', {
    describe: 'Longest silence within an answer, seconds; thoughts end it too',
    min: 1,
    max: 3_600,
    default: 60,
  }),
  geminiFirstTextSeconds: integer('GEMINI_FIRST_TEXT_SECONDS', {
    describe: 'Longest wait for the first text of an answer, which thoughts may precede, seconds',
    min: 1,
    max: 3_600,
    default: 300,
  }),
  geminiReplySeconds: integer('GEMINI_REPLY_SECONDS', {
    describe: 'Longest time for a whole answer, seconds',
    min: 1,
    max: 3_600,
    default: 600,
  }),
  replyDeadlineMinutes: integer('REPLY_DEADLINE_MINUTES', {
    describe: 'How long a prompt may wait for its reply to begin, minutes',
    min: 1,
    max: 1_440,
    default: 15,
  }),
  autoTitle: flag('AUTO_TITLE', {
    describe: 'Name a room after its first exchange',
    default: true,
  }),
  providerRpm: integer('PROVIDER_RPM', {
    describe: 'Most calls of the model in a minute; 0 sets no limit',
    min: 0,
    max: 1_000_000,
    default: 0,
  }),
}
