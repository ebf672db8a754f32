ALTER TABLE `chatrooms` ADD `stored_bytes` integer DEFAULT 0 NOT NULL;
--> statement-breakpoint
-- octet_length reads the length of a text and not the text itself.
UPDATE `chatrooms` SET `stored_bytes` = octet_length(`title`) + coalesce(octet_length(`system_prompt`), 0) + coalesce(
  (SELECT sum(octet_length(`content`)) FROM `messages` WHERE `chatroom_id` = `chatrooms`.`id` AND `completed_at` IS NOT NULL), 0);
--> statement-breakpoint
CREATE TABLE `number_usage` (
	`number_digest` text PRIMARY KEY NOT NULL,
	`day` text NOT NULL,
	`used` integer NOT NULL,
	`starts` integer NOT NULL,
	`minute_at` integer NOT NULL,
	`minute_prompts` integer NOT NULL,
	`pending` integer NOT NULL,
	`stored_bytes` integer NOT NULL,
	CONSTRAINT "number_usage_counts" CHECK(min("number_usage"."used", "number_usage"."starts", "number_usage"."minute_prompts", "number_usage"."pending", "number_usage"."stored_bytes") >= 0)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
-- The digests cannot be computed here: until the first start does, the id stands in (src/modules/auth/number-digest.ts).
-- The empty day is before every other, so that the first prompt finds today's row in quota_usage.
INSERT INTO `number_usage`
SELECT coalesce(`users`.`number_digest`, `users`.`id`), '', 0, 0, 0, 0, sum(
    CASE WHEN `pending_from` IS NULL THEN 0 ELSE (SELECT count(*) FROM `messages`
      WHERE `chatroom_id` = `chatrooms`.`id` AND `position` >= `pending_from` AND `completed_at` IS NULL) END
  ), sum(`stored_bytes`)
FROM `chatrooms` JOIN `users` ON `users`.`id` = `user_id` WHERE `phone` NOT LIKE 'erased:%' GROUP BY `users`.`id`;
--> statement-breakpoint
CREATE TABLE `__new_quota_usage` (
	`number_digest` text NOT NULL,
	`day` text NOT NULL,
	`used` integer NOT NULL,
	`starts` integer NOT NULL,
	`account_gone` integer DEFAULT false NOT NULL,
	PRIMARY KEY(`number_digest`, `day`),
	CONSTRAINT "quota_used" CHECK(min("__new_quota_usage"."used", "__new_quota_usage"."starts") >= 0)
) STRICT;
--> statement-breakpoint
-- How often a provider was called before nobody counted: at least once a prompt.
INSERT INTO `__new_quota_usage` (`number_digest`, `day`, `used`, `starts`)
SELECT coalesce(`number_digest`, `id`), `day`, `used`, `used` FROM `quota_usage` JOIN `users` ON `id` = `user_id`;
--> statement-breakpoint
DROP TABLE `quota_usage`;--> statement-breakpoint
ALTER TABLE `__new_quota_usage` RENAME TO `quota_usage`;--> statement-breakpoint
CREATE INDEX `quota_usage_by_day` ON `quota_usage` (`day`);--> statement-breakpoint
CREATE INDEX `quota_usage_of_gone` ON `quota_usage` (`day`) WHERE account_gone = 1;
--> statement-breakpoint
ALTER TABLE `jobs` ADD `unused_claims` integer DEFAULT 0 NOT NULL;
