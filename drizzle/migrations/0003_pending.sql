ALTER TABLE `chatrooms` ADD `pending_from` integer;--> statement-breakpoint
-- Before the index goes, which makes this as short as what is pending.
UPDATE chatrooms SET pending_from = waiting.position
FROM (SELECT chatroom_id, min(position) AS position FROM messages WHERE completed_at IS NULL GROUP BY chatroom_id) AS waiting
WHERE chatrooms.id = waiting.chatroom_id;
--> statement-breakpoint
DROP INDEX `messages_pending`;
