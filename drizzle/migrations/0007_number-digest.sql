ALTER TABLE `users` ADD `number_digest` text;--> statement-breakpoint
CREATE INDEX `users_without_digest` ON `users` (`phone`) WHERE number_digest IS NULL;