export type { Quota } from '#src/plugins/schemas.ts'

export type Tier = 'basic' | 'pro'
