DROP INDEX `otp_one_open_challenge`;--> statement-breakpoint
ALTER TABLE `otp_challenges` ADD `requester` text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE `otp_challenges` ADD `is_home` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `otp_challenges` ADD `password_refused` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `otp_challenges` ADD `tries_allowed` integer DEFAULT 5 NOT NULL;--> statement-breakpoint
ALTER TABLE `otp_challenges` ADD `stray_tries` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX `otp_one_open_challenge` ON `otp_challenges` (`phone`,`purpose`,`requester`) WHERE ended_at IS NULL;--> statement-breakpoint
-- One spelling of each mobile number of Mexico (+52 1 …) and Argentina (+54 … without the 9): see src/lib/phone.ts. Where
-- both spellings have an account, the one whose number was never proven goes; two proven ones stay as they are.
DELETE FROM users WHERE verified_at IS NULL AND phone IN (
  SELECT CASE WHEN u.phone LIKE '+52%' THEN '+52' || substr(u.phone, 5) ELSE '+549' || substr(u.phone, 4) END
  FROM users u WHERE u.verified_at IS NOT NULL AND (u.phone LIKE '+521__________' OR (length(u.phone) = 13 AND substr(u.phone, 1, 4) IN ('+541', '+542', '+543')))
);--> statement-breakpoint
DELETE FROM users WHERE verified_at IS NULL
  AND (phone LIKE '+521__________' OR (length(phone) = 13 AND substr(phone, 1, 4) IN ('+541', '+542', '+543')))
  AND EXISTS (SELECT 1 FROM users other WHERE other.phone =
    CASE WHEN users.phone LIKE '+52%' THEN '+52' || substr(users.phone, 5) ELSE '+549' || substr(users.phone, 4) END
);--> statement-breakpoint
UPDATE users SET number_digest = NULL,
  phone = CASE WHEN phone LIKE '+52%' THEN '+52' || substr(phone, 5) ELSE '+549' || substr(phone, 4) END
WHERE (phone LIKE '+521__________' OR (length(phone) = 13 AND substr(phone, 1, 4) IN ('+541', '+542', '+543')))
  AND NOT EXISTS (SELECT 1 FROM users other WHERE other.phone =
    CASE WHEN users.phone LIKE '+52%' THEN '+52' || substr(users.phone, 5) ELSE '+549' || substr(users.phone, 4) END
);
