-- Who waits in a lane knows the job before it, and a lane its last: a newcomer is written at an end and not amid others.
CREATE TABLE `job_lanes` (
	`lane` text PRIMARY KEY NOT NULL,
	`last` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
INSERT INTO `job_lanes` (`lane`, `last`)
SELECT `lane`, max(`id`) FROM `jobs` WHERE `state` = 'parked' GROUP BY `lane`;
--> statement-breakpoint
CREATE TABLE `__new_jobs` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`kind` text NOT NULL,
	`lane` text,
	`owner` text,
	`behind` integer,
	`state` text NOT NULL,
	`turn` integer,
	`body` text NOT NULL,
	`due_at` integer NOT NULL,
	`deadline_at` integer,
	`claims` integer DEFAULT 0 NOT NULL,
	`errors` integer DEFAULT 0 NOT NULL,
	`losses` integer DEFAULT 0 NOT NULL,
	`lease_until` integer,
	`stop_requested_at` integer,
	`dedupe_key` text,
	`last_error` text,
	`trace` text,
	`created_at` integer NOT NULL,
	`started_at` integer,
	`ended_at` integer,
	CONSTRAINT "jobs_state" CHECK(("__new_jobs"."state" = 'parked' OR "__new_jobs"."state" = 'ready' OR "__new_jobs"."state" = 'running' OR "__new_jobs"."state" = 'done' OR "__new_jobs"."state" = 'failed' OR "__new_jobs"."state" = 'cancelled')),
	CONSTRAINT "jobs_lease" CHECK(("__new_jobs"."state" = 'running') = ("__new_jobs"."lease_until" IS NOT NULL)),
	CONSTRAINT "jobs_ended" CHECK(("__new_jobs"."state" = 'done' OR "__new_jobs"."state" = 'failed' OR "__new_jobs"."state" = 'cancelled') = ("__new_jobs"."ended_at" IS NOT NULL)),
	CONSTRAINT "jobs_parked" CHECK(("__new_jobs"."state" = 'parked') = ("__new_jobs"."behind" IS NOT NULL)),
	CONSTRAINT "jobs_in_lane" CHECK("__new_jobs"."behind" IS NULL OR "__new_jobs"."lane" IS NOT NULL)
) STRICT;
--> statement-breakpoint
-- Those who wait in a lane, each behind the one before it and the first behind the one that is under way.
INSERT INTO `__new_jobs` (`id`, `kind`, `lane`, `owner`, `behind`, `state`, `turn`, `body`, `due_at`, `deadline_at`, `claims`, `errors`, `losses`, `lease_until`, `stop_requested_at`,
  `dedupe_key`, `last_error`, `trace`, `created_at`, `started_at`, `ended_at`)
SELECT `id`, `kind`, `lane`, `owner`, `before`, `state`, `turn`, `body`, `due_at`, `deadline_at`, `claims`, `errors`, `losses`, `lease_until`, `stop_requested_at`,
  `dedupe_key`, `last_error`, `trace`, `created_at`, `started_at`, `ended_at`
FROM `jobs` LEFT JOIN (
  SELECT `id` AS `waiting`, lag(`id`) OVER (PARTITION BY `lane` ORDER BY `state` = 'parked', `id`) AS `before`
  FROM `jobs` WHERE `lane` IS NOT NULL AND `ended_at` IS NULL
) ON `waiting` = `id` AND `state` = 'parked';
--> statement-breakpoint
-- No id is given twice, also where the newest jobs are pruned already.
DELETE FROM `sqlite_sequence` WHERE `name` = '__new_jobs';
--> statement-breakpoint
INSERT INTO `sqlite_sequence` (`name`, `seq`) SELECT '__new_jobs', `seq` FROM `sqlite_sequence` WHERE `name` = 'jobs';
--> statement-breakpoint
DROP TABLE `jobs`;
--> statement-breakpoint
ALTER TABLE `__new_jobs` RENAME TO `jobs`;
--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_one_active_per_lane` ON `jobs` (`lane`) WHERE state IN ('ready', 'running');
--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_behind` ON `jobs` (`behind`) WHERE state = 'parked';
--> statement-breakpoint
CREATE INDEX `jobs_turn` ON `jobs` (`kind`,`turn`,`id`,`due_at`) WHERE state = 'ready';
--> statement-breakpoint
CREATE INDEX `jobs_turn_of_owner` ON `jobs` (`kind`,`owner`,`turn`) WHERE state = 'ready';
--> statement-breakpoint
CREATE INDEX `jobs_due` ON `jobs` (`kind`,`due_at`) WHERE state = 'ready' AND turn IS NULL;
--> statement-breakpoint
CREATE INDEX `jobs_deadline` ON `jobs` (`deadline_at`) WHERE state = 'ready' AND deadline_at IS NOT NULL;
--> statement-breakpoint
CREATE INDEX `jobs_leased` ON `jobs` (`lease_until`) WHERE state = 'running';
--> statement-breakpoint
CREATE INDEX `jobs_stopping` ON `jobs` (`id`) WHERE state = 'running' AND stop_requested_at IS NOT NULL;
--> statement-breakpoint
CREATE INDEX `jobs_ended_at` ON `jobs` (`ended_at`,`kind`,`state`) WHERE ended_at IS NOT NULL;
--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_dedupe` ON `jobs` (`dedupe_key`) WHERE dedupe_key IS NOT NULL AND ended_at IS NULL;