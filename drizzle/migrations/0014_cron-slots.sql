CREATE TABLE `cron_slots` (
	`task` text PRIMARY KEY NOT NULL,
	`slot` integer NOT NULL
) STRICT;
