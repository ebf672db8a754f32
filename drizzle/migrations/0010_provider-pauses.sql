CREATE TABLE `provider_pauses` (
	`provider` text NOT NULL,
	`model` text NOT NULL,
	`account` text NOT NULL,
	`reason` text NOT NULL,
	`quota_id` text,
	`since` integer NOT NULL,
	`until` integer NOT NULL,
	PRIMARY KEY(`provider`, `model`),
	CONSTRAINT "provider_pauses_reason" CHECK(("provider_pauses"."reason" = 'limited' OR "provider_pauses"."reason" = 'exhausted' OR "provider_pauses"."reason" = 'key')),
	CONSTRAINT "provider_pauses_key" CHECK(("provider_pauses"."reason" = 'key') = ("provider_pauses"."model" = ''))
) STRICT;
--> statement-breakpoint
ALTER TABLE `providers` DROP COLUMN `paused_until`;