-- Full-text search over what is final. Every word in it begins with a mark of whose message it is, so that a search
-- reads one person's words whatever others wrote. It holds no text of its own: it refers to messages by key.
CREATE VIRTUAL TABLE messages_fts USING fts5(
  words,
  content = '', contentless_delete = 1,
  tokenize = 'unicode61 remove_diacritics 2'
);
--> statement-breakpoint
-- Merged by the program, a little at each commit that adds to it.
INSERT INTO messages_fts (messages_fts, rank) VALUES ('automerge', 0), ('crisismerge', 500);
--> statement-breakpoint
CREATE TRIGGER messages_fts_gone AFTER DELETE ON messages
WHEN old.completed_at IS NOT NULL AND old.content <> ''
BEGIN
  DELETE FROM messages_fts WHERE rowid = old.key;
  DELETE FROM search_pending WHERE key = old.key;
END;
--> statement-breakpoint
-- Final states never change, nor what is indexed of them.
CREATE TRIGGER messages_final_is_final BEFORE UPDATE OF content, status, completed_at ON messages
WHEN old.completed_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a final message never changes');
END;
