-- One spelling of each mobile number of Brazil, with the 9 that was put before all of them by 2016: see src/lib/phone.ts.
-- Where both spellings have an account, the one whose number was never proven goes; two proven ones stay as they are.
DELETE FROM users WHERE verified_at IS NULL AND phone IN (
  SELECT substr(u.phone, 1, 5) || '9' || substr(u.phone, 6) FROM users u
  WHERE u.verified_at IS NOT NULL AND u.phone LIKE '+55__________' AND length(u.phone) = 13 AND substr(u.phone, 6, 1) IN ('6', '7', '8', '9')
);--> statement-breakpoint
DELETE FROM users WHERE verified_at IS NULL
  AND phone LIKE '+55__________' AND length(phone) = 13 AND substr(phone, 6, 1) IN ('6', '7', '8', '9')
  AND EXISTS (SELECT 1 FROM users other WHERE other.phone = substr(users.phone, 1, 5) || '9' || substr(users.phone, 6));--> statement-breakpoint
-- What is counted by the digest of the old spelling goes by the id until the start writes the new digest.
UPDATE number_usage SET number_digest = (SELECT id FROM users WHERE users.number_digest = number_usage.number_digest)
WHERE number_digest IN (
  SELECT number_digest FROM users
  WHERE phone LIKE '+55__________' AND length(phone) = 13 AND substr(phone, 6, 1) IN ('6', '7', '8', '9')
    AND NOT EXISTS (SELECT 1 FROM users other WHERE other.phone = substr(users.phone, 1, 5) || '9' || substr(users.phone, 6))
);--> statement-breakpoint
UPDATE quota_usage SET number_digest = (SELECT id FROM users WHERE users.number_digest = quota_usage.number_digest)
WHERE number_digest IN (
  SELECT number_digest FROM users
  WHERE phone LIKE '+55__________' AND length(phone) = 13 AND substr(phone, 6, 1) IN ('6', '7', '8', '9')
    AND NOT EXISTS (SELECT 1 FROM users other WHERE other.phone = substr(users.phone, 1, 5) || '9' || substr(users.phone, 6))
);--> statement-breakpoint
UPDATE users SET number_digest = NULL, phone = substr(phone, 1, 5) || '9' || substr(phone, 6)
WHERE phone LIKE '+55__________' AND length(phone) = 13 AND substr(phone, 6, 1) IN ('6', '7', '8', '9')
  AND NOT EXISTS (SELECT 1 FROM users other WHERE other.phone = substr(users.phone, 1, 5) || '9' || substr(users.phone, 6));
