CREATE TABLE `refolding` (
	`what` text PRIMARY KEY NOT NULL,
	`version` integer NOT NULL,
	`place` text
) STRICT;
--> statement-breakpoint
CREATE TABLE `search_partitions` (
	`owner` text NOT NULL,
	`first_key` integer NOT NULL,
	`number` integer NOT NULL,
	`terms` integer NOT NULL,
	PRIMARY KEY(`owner`, `first_key`)
) STRICT;
--> statement-breakpoint
CREATE UNIQUE INDEX `search_partitions_by_number` ON `search_partitions` (`owner`,`number`);
--> statement-breakpoint
-- The index held words as SQLite's tokenizer finds them, and the position of each. Now the program finds the words, and
-- each message has each of them once. What is in the old index is indexed again in the background.
DROP TABLE messages_fts;
--> statement-breakpoint
-- The tokenizer only has to split at spaces: the program gives it folded words. detail = none keeps no positions.
CREATE VIRTUAL TABLE messages_fts USING fts5(
  words,
  content = '', contentless_delete = 1, detail = none,
  tokenize = 'ascii'
);
--> statement-breakpoint
-- Merged by the program, a little at each commit that adds to it.
INSERT INTO messages_fts (messages_fts, rank) VALUES ('automerge', 0), ('crisismerge', 500);
--> statement-breakpoint
CREATE TRIGGER search_partitions_gone AFTER DELETE ON users
BEGIN
  DELETE FROM search_partitions WHERE owner = replace(old.id, '-', '');
END;
--> statement-breakpoint
