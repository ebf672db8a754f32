// Written by scripts/generate-migration.ts: the SQL is embedded, a single binary has no files beside it.
import sql0 from './0000_initial.sql' with { type: 'text' }
import sql1 from './0001_search.sql' with { type: 'text' }
import sql2 from './0002_audit.sql' with { type: 'text' }
import sql3 from './0003_pending.sql' with { type: 'text' }
import sql4 from './0004_keys.sql' with { type: 'text' }
import sql5 from './0005_customers_by_user.sql' with { type: 'text' }
import sql6 from './0006_lanes.sql' with { type: 'text' }
import sql7 from './0007_number-digest.sql' with { type: 'text' }
import sql8 from './0008_billing-limits.sql' with { type: 'text' }
import sql9 from './0009_challenge-handle.sql' with { type: 'text' }
import sql10 from './0010_provider-pauses.sql' with { type: 'text' }
import sql11 from './0011_search-partitions.sql' with { type: 'text' }
import sql12 from './0012_usage-by-number.sql' with { type: 'text' }
import sql13 from './0013_ninth-digit.sql' with { type: 'text' }
import sql14 from './0014_cron-slots.sql' with { type: 'text' }

export const migrations = [
  { name: '0000_initial', sql: sql0 },
  { name: '0001_search', sql: sql1 },
  { name: '0002_audit', sql: sql2 },
  { name: '0003_pending', sql: sql3 },
  { name: '0004_keys', sql: sql4 },
  { name: '0005_customers_by_user', sql: sql5 },
  { name: '0006_lanes', sql: sql6 },
  { name: '0007_number-digest', sql: sql7 },
  { name: '0008_billing-limits', sql: sql8 },
  { name: '0009_challenge-handle', sql: sql9 },
  { name: '0010_provider-pauses', sql: sql10 },
  { name: '0011_search-partitions', sql: sql11 },
  { name: '0012_usage-by-number', sql: sql12 },
  { name: '0013_ninth-digit', sql: sql13 },
  { name: '0014_cron-slots', sql: sql14 },
]
