import { integer, optionalInteger, timezone } from './option.ts'

/** What one user may use: prompts, calls of the provider, stored text. */
export const usageOptions = {
  basicDailyPrompts: integer('BASIC_DAILY_PROMPTS', {
    describe: 'Prompts a day of the Basic tier',
    min: 0,
    max: 1_000_000,
    default: 5,
  }),
  basicDailyStarts: optionalInteger('BASIC_DAILY_STARTS', {
    describe:
      'Most calls of the model a day for one Basic user, failed and repeated ones included; without it three times BASIC_DAILY_PROMPTS',
    min: 0,
    max: 10_000_000,
  }),
  proDailyStarts: integer('PRO_DAILY_STARTS', {
    describe: 'The same for one Pro user',
    min: 1,
    max: 10_000_000,
    default: 2_000,
  }),
  promptsPerMinute: integer('PROMPTS_PER_MINUTE', {
    describe: 'Prompts of one user in a minute, whatever the tier',
    min: 1,
    max: 1_000_000,
    default: 60,
  }),
  maxPendingPrompts: integer('MAX_PENDING_PROMPTS', {
    describe: 'Prompts of one user that may wait for their replies at once',
    min: 1,
    max: 1_000_000,
    default: 50,
  }),
  userStorageMb: integer('USER_STORAGE_MB', {
    describe: 'Stored text of one Basic user, in millions of bytes',
    min: 1,
    max: 1_000_000,
    default: 50,
  }),
  userStorageMbPro: integer('USER_STORAGE_MB_PRO', {
    describe: 'Stored text of one Pro user, in millions of bytes',
    min: 1,
    max: 1_000_000,
    default: 1_000,
  }),
  quotaTimezone: timezone('QUOTA_TIMEZONE', {
    describe: 'Whose midnight starts a new day',
    default: 'UTC',
  }),
}
