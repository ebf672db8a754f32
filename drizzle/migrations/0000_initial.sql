CREATE TABLE `audit_log` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`at` integer NOT NULL,
	`event` text NOT NULL,
	`user_id` text,
	`actor` text NOT NULL,
	`request_id` text,
	`ip` text,
	`detail` text
) STRICT;
--> statement-breakpoint
CREATE INDEX `audit_of_user` ON `audit_log` (`user_id`,`at`);--> statement-breakpoint
CREATE INDEX `audit_by_time` ON `audit_log` (`at`);--> statement-breakpoint
CREATE TABLE `billing_customers` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text,
	`livemode` integer NOT NULL,
	`created_at` integer NOT NULL,
	`synced_at` integer,
	`gone_at` integer,
	`portal_url` text,
	`portal_until` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE set null
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `billing_customers_of_user` ON `billing_customers` (`user_id`,`livemode`) WHERE gone_at IS NULL;--> statement-breakpoint
CREATE INDEX `billing_customers_by_user` ON `billing_customers` (`user_id`,`id`);--> statement-breakpoint
CREATE TABLE `chatrooms` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text,
	`title` text NOT NULL,
	`title_folded` text NOT NULL,
	`title_by` text NOT NULL,
	`system_prompt` text,
	`model` text,
	`revision` integer DEFAULT 0 NOT NULL,
	`pending_from` integer,
	`user_messages` integer DEFAULT 0 NOT NULL,
	`assistant_messages` integer DEFAULT 0 NOT NULL,
	`stored_bytes` integer DEFAULT 0 NOT NULL,
	`last_message_at` integer,
	`active_at` integer NOT NULL,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "chatrooms_title_by" CHECK(("chatrooms"."title_by" = 'none' OR "chatrooms"."title_by" = 'assistant' OR "chatrooms"."title_by" = 'person'))
) STRICT;
--> statement-breakpoint
CREATE INDEX `chatrooms_of_user` ON `chatrooms` (`user_id`,`active_at`,`id`);--> statement-breakpoint
CREATE TABLE `checkout_sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`customer_id` text NOT NULL,
	`url` text NOT NULL,
	`status` text NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	FOREIGN KEY (`customer_id`) REFERENCES `billing_customers`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "checkout_status" CHECK(("checkout_sessions"."status" = 'open' OR "checkout_sessions"."status" = 'complete' OR "checkout_sessions"."status" = 'expired'))
) STRICT;
--> statement-breakpoint
CREATE INDEX `checkout_sessions_of_customer` ON `checkout_sessions` (`customer_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `job_lanes` (
	`lane` text PRIMARY KEY NOT NULL,
	`last` integer NOT NULL
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `cron_slots` (
	`task` text PRIMARY KEY NOT NULL,
	`slot` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `erasures` (
	`id` text PRIMARY KEY NOT NULL,
	`kind` text NOT NULL,
	`requested_at` integer NOT NULL,
	CONSTRAINT "erasures_kind" CHECK(("erasures"."kind" = 'user' OR "erasures"."kind" = 'room'))
) STRICT;
--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`user_id` text NOT NULL,
	`key` text NOT NULL,
	`fingerprint` text NOT NULL,
	`kept` text,
	`locked_until` integer,
	`expires_at` integer NOT NULL,
	PRIMARY KEY(`key`, `user_id`)
) STRICT, WITHOUT ROWID;
--> statement-breakpoint
CREATE TABLE `jobs` (
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
	`unused_claims` integer DEFAULT 0 NOT NULL,
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
	CONSTRAINT "jobs_state" CHECK(("jobs"."state" = 'blocked' OR "jobs"."state" = 'ready' OR "jobs"."state" = 'running' OR "jobs"."state" = 'done' OR "jobs"."state" = 'failed' OR "jobs"."state" = 'cancelled')),
	CONSTRAINT "jobs_lease" CHECK(("jobs"."state" = 'running') = ("jobs"."lease_until" IS NOT NULL)),
	CONSTRAINT "jobs_ended" CHECK(("jobs"."state" = 'done' OR "jobs"."state" = 'failed' OR "jobs"."state" = 'cancelled') = ("jobs"."ended_at" IS NOT NULL)),
	CONSTRAINT "jobs_blocked" CHECK(("jobs"."state" = 'blocked') = ("jobs"."behind" IS NOT NULL)),
	CONSTRAINT "jobs_in_lane" CHECK("jobs"."behind" IS NULL OR "jobs"."lane" IS NOT NULL)
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_one_active_per_lane` ON `jobs` (`lane`) WHERE state IN ('ready', 'running');--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_behind` ON `jobs` (`behind`) WHERE state = 'blocked';--> statement-breakpoint
CREATE INDEX `jobs_turn` ON `jobs` (`kind`,`turn`,`id`,`due_at`) WHERE state = 'ready';--> statement-breakpoint
CREATE INDEX `jobs_turn_of_owner` ON `jobs` (`kind`,`owner`,`turn`) WHERE state = 'ready';--> statement-breakpoint
CREATE INDEX `jobs_due` ON `jobs` (`kind`,`due_at`) WHERE state = 'ready' AND turn IS NULL;--> statement-breakpoint
CREATE INDEX `jobs_deadline` ON `jobs` (`deadline_at`) WHERE state = 'ready' AND deadline_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `jobs_leased` ON `jobs` (`lease_until`) WHERE state = 'running';--> statement-breakpoint
CREATE INDEX `jobs_stopping` ON `jobs` (`id`) WHERE state = 'running' AND stop_requested_at IS NOT NULL;--> statement-breakpoint
CREATE INDEX `jobs_ended_at` ON `jobs` (`ended_at`,`kind`,`state`) WHERE ended_at IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `jobs_dedupe` ON `jobs` (`dedupe_key`) WHERE dedupe_key IS NOT NULL AND ended_at IS NULL;--> statement-breakpoint
CREATE TABLE `messages` (
	`key` integer PRIMARY KEY NOT NULL,
	`id` text NOT NULL,
	`chatroom_id` text NOT NULL,
	`position` integer NOT NULL,
	`final_revision` integer,
	`owner` text NOT NULL,
	`role` text NOT NULL,
	`content` text NOT NULL,
	`status` text NOT NULL,
	`reply_to` text,
	`version` integer DEFAULT 1 NOT NULL,
	`attempt` integer DEFAULT 0 NOT NULL,
	`job_id` integer,
	`paid_on` text,
	`error_code` text,
	`error_message` text,
	`model` text,
	`finish_reason` text,
	`prompt_tokens` integer,
	`reply_tokens` integer,
	`context_messages` integer,
	`context_characters` integer,
	`created_at` integer NOT NULL,
	`completed_at` integer,
	FOREIGN KEY (`chatroom_id`) REFERENCES `chatrooms`(`id`) ON UPDATE no action ON DELETE cascade,
	FOREIGN KEY (`reply_to`) REFERENCES `messages`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "messages_role" CHECK(("messages"."role" = 'user' OR "messages"."role" = 'assistant')),
	CONSTRAINT "messages_status" CHECK(("messages"."status" = 'queued' OR "messages"."status" = 'streaming' OR "messages"."status" = 'complete' OR "messages"."status" = 'failed' OR "messages"."status" = 'blocked' OR "messages"."status" = 'cancelled')),
	CONSTRAINT "messages_prompt" CHECK("messages"."role" = 'assistant' OR ("messages"."reply_to" IS NULL AND "messages"."status" = 'complete')),
	CONSTRAINT "messages_reply" CHECK("messages"."role" = 'user' OR ("messages"."reply_to" IS NOT NULL AND "messages"."reply_to" <> "messages"."id")),
	CONSTRAINT "messages_final" CHECK(("messages"."status" IN ('queued', 'streaming')) = ("messages"."completed_at" IS NULL)),
	CONSTRAINT "messages_final_revision" CHECK(("messages"."completed_at" IS NULL) = ("messages"."final_revision" IS NULL)),
	CONSTRAINT "messages_never_empty" CHECK("messages"."status" <> 'complete' OR length("messages"."content") > 0),
	CONSTRAINT "messages_error" CHECK(("messages"."status" IN ('failed', 'blocked')) = ("messages"."error_code" IS NOT NULL))
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `messages_id_unique` ON `messages` (`id`);--> statement-breakpoint
CREATE UNIQUE INDEX `messages_in_order` ON `messages` (`chatroom_id`,`position`);--> statement-breakpoint
CREATE UNIQUE INDEX `messages_by_final_revision` ON `messages` (`chatroom_id`,`final_revision`) WHERE role = 'assistant' AND final_revision IS NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `messages_one_reply_per_version` ON `messages` (`reply_to`,`version`) WHERE reply_to IS NOT NULL;--> statement-breakpoint
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
CREATE TABLE `otp_challenges` (
	`id` text PRIMARY KEY NOT NULL,
	`phone` text NOT NULL,
	`purpose` text NOT NULL,
	`user_id` text,
	`code_hash` text NOT NULL,
	`requester` text DEFAULT '' NOT NULL,
	`is_home` integer DEFAULT false NOT NULL,
	`proven_hash` text,
	`password_refused` integer DEFAULT false NOT NULL,
	`delivery_began_at` integer,
	`tries` integer DEFAULT 0 NOT NULL,
	`tries_allowed` integer DEFAULT 5 NOT NULL,
	`stray_tries` integer DEFAULT 0 NOT NULL,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`ended_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade,
	CONSTRAINT "otp_purpose" CHECK(("otp_challenges"."purpose" = 'login' OR "otp_challenges"."purpose" = 'reset' OR "otp_challenges"."purpose" = 'delete')),
	CONSTRAINT "otp_tries" CHECK("otp_challenges"."tries" BETWEEN 0 AND 5)
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `otp_one_open_challenge` ON `otp_challenges` (`phone`,`purpose`,`requester`) WHERE ended_at IS NULL;--> statement-breakpoint
CREATE INDEX `otp_by_number` ON `otp_challenges` (`phone`,`purpose`,`created_at`);--> statement-breakpoint
CREATE INDEX `otp_by_user` ON `otp_challenges` (`user_id`);--> statement-breakpoint
CREATE INDEX `otp_expiring` ON `otp_challenges` (`expires_at`);--> statement-breakpoint
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
CREATE TABLE `providers` (
	`name` text PRIMARY KEY NOT NULL,
	`next_call_at` integer DEFAULT 0 NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `quota_usage` (
	`number_digest` text NOT NULL,
	`day` text NOT NULL,
	`used` integer NOT NULL,
	`starts` integer NOT NULL,
	`account_gone` integer DEFAULT false NOT NULL,
	PRIMARY KEY(`number_digest`, `day`),
	CONSTRAINT "quota_used" CHECK(min("quota_usage"."used", "quota_usage"."starts") >= 0)
) STRICT;
--> statement-breakpoint
CREATE INDEX `quota_usage_by_day` ON `quota_usage` (`day`);--> statement-breakpoint
CREATE INDEX `quota_usage_of_gone` ON `quota_usage` (`day`) WHERE account_gone = 1;--> statement-breakpoint
CREATE TABLE `rate_limits` (
	`key` text PRIMARY KEY NOT NULL,
	`count` integer NOT NULL,
	`resets_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `rate_limits_expiring` ON `rate_limits` (`resets_at`);--> statement-breakpoint
CREATE TABLE `refolding` (
	`what` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`place` text
) STRICT;
--> statement-breakpoint
CREATE TABLE `refresh_tokens` (
	`hash` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`created_at` integer NOT NULL,
	`rotated_at` integer,
	FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `refresh_tokens_of_session` ON `refresh_tokens` (`session_id`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_by_age` ON `refresh_tokens` (`created_at`);--> statement-breakpoint
CREATE TABLE `search_partitions` (
	`owner` text NOT NULL,
	`first_key` integer NOT NULL,
	`number` integer NOT NULL,
	`terms` integer NOT NULL,
	PRIMARY KEY(`owner`, `first_key`)
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `search_partitions_by_number` ON `search_partitions` (`owner`,`number`);--> statement-breakpoint
CREATE TABLE `search_pending` (
	`key` integer PRIMARY KEY NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `job_turns` (
	`kind` text PRIMARY KEY NOT NULL,
	`served` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`device` text,
	`ip` text,
	`created_at` integer NOT NULL,
	`last_used_at` integer NOT NULL,
	`expires_at` integer NOT NULL,
	`ended_at` integer,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `sessions_of_user` ON `sessions` (`user_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `sessions_expiring` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `stripe_attempts` (
	`scope` text PRIMARY KEY NOT NULL,
	`key` text NOT NULL,
	`created_at` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE INDEX `stripe_attempts_by_time` ON `stripe_attempts` (`created_at`);--> statement-breakpoint
CREATE TABLE `stripe_cursors` (
	`livemode` integer PRIMARY KEY NOT NULL,
	`events_until` integer NOT NULL
) STRICT;
--> statement-breakpoint
CREATE TABLE `stripe_events` (
	`id` text PRIMARY KEY NOT NULL,
	`type` text NOT NULL,
	`customer_id` text,
	`state` text NOT NULL,
	`created_at` integer NOT NULL,
	`received_at` integer NOT NULL,
	CONSTRAINT "stripe_events_state" CHECK(("stripe_events"."state" = 'queued' OR "stripe_events"."state" = 'ignored'))
) STRICT;
--> statement-breakpoint
CREATE INDEX `stripe_events_by_time` ON `stripe_events` (`received_at`);--> statement-breakpoint
CREATE TABLE `subscriptions` (
	`id` text PRIMARY KEY NOT NULL,
	`customer_id` text NOT NULL,
	`status` text NOT NULL,
	`price_id` text,
	`period_start` integer,
	`period_end` integer,
	`cancel_at_period_end` integer NOT NULL,
	`paused` integer NOT NULL,
	`past_due_since` integer,
	`created_at` integer NOT NULL,
	`synced_at` integer NOT NULL,
	FOREIGN KEY (`customer_id`) REFERENCES `billing_customers`(`id`) ON UPDATE no action ON DELETE cascade
) STRICT;
--> statement-breakpoint
CREATE INDEX `subscriptions_of_customer` ON `subscriptions` (`customer_id`,`status`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`phone` text,
	`number_digest` text,
	`name` text,
	`password_hash` text,
	`tier_override` text,
	`verified_at` integer,
	`created_at` integer NOT NULL,
	`updated_at` integer NOT NULL,
	CONSTRAINT "users_tier_override" CHECK(("users"."tier_override" = 'basic' OR "users"."tier_override" = 'pro'))
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `users_phone_unique` ON `users` (`phone`);--> statement-breakpoint
CREATE INDEX `users_tier_set` ON `users` (`tier_override`) WHERE tier_override IS NOT NULL;--> statement-breakpoint
CREATE INDEX `users_unverified` ON `users` (`created_at`) WHERE verified_at IS NULL;
--> statement-breakpoint
-- Full-text search over final messages. The program folds and splits the text; the tokenizer only splits at spaces. Each
-- message has each word once, marked with its owner; detail = none keeps no positions. Rows refer to messages by key.
CREATE VIRTUAL TABLE messages_fts USING fts5(
  words,
  content = '', contentless_delete = 1, detail = none,
  tokenize = 'ascii'
);
--> statement-breakpoint
-- The program merges a little at each commit that adds to the index.
INSERT INTO messages_fts (messages_fts, rank) VALUES ('automerge', 0), ('crisismerge', 500);
--> statement-breakpoint
CREATE TRIGGER messages_fts_gone AFTER DELETE ON messages
WHEN old.completed_at IS NOT NULL AND old.content <> ''
BEGIN
  DELETE FROM messages_fts WHERE rowid = old.key;
  DELETE FROM search_pending WHERE key = old.key;
END;
--> statement-breakpoint
CREATE TRIGGER search_partitions_gone AFTER DELETE ON users
BEGIN
  DELETE FROM search_partitions WHERE owner = replace(old.id, '-', '');
END;
--> statement-breakpoint
-- A final message never changes, nor does what the search index holds of it.
CREATE TRIGGER messages_final_is_final BEFORE UPDATE OF content, status, completed_at ON messages
WHEN old.completed_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a final message never changes');
END;
--> statement-breakpoint
-- The audit log is append-only. Entries of its newest 90 days, by its own time, cannot be deleted.
CREATE TRIGGER audit_log_no_change BEFORE UPDATE ON audit_log
BEGIN
  SELECT RAISE(ABORT, 'the audit log is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER audit_log_no_early_end BEFORE DELETE ON audit_log
WHEN old.at > (SELECT max(at) FROM audit_log) - 7776000000
BEGIN
  SELECT RAISE(ABORT, 'an audit entry is kept for 90 days at least');
END;
