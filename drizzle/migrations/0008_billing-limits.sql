ALTER TABLE `billing_customers` ADD `portal_url` text;--> statement-breakpoint
ALTER TABLE `billing_customers` ADD `portal_until` integer;--> statement-breakpoint
CREATE INDEX `users_tier_set` ON `users` (`tier_override`) WHERE tier_override IS NOT NULL;