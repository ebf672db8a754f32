-- Full-text search over what is final. The index holds no text of its own: it refers to messages by key.
CREATE VIRTUAL TABLE messages_fts USING fts5(
  owner, content,
  content = 'messages', content_rowid = 'key',
  tokenize = 'unicode61 remove_diacritics 2'
);
--> statement-breakpoint
-- What is not in the index yet must not be taken out of it: that would damage it.
CREATE TRIGGER messages_fts_gone AFTER DELETE ON messages
WHEN old.completed_at IS NOT NULL AND old.content <> ''
BEGIN
  INSERT INTO messages_fts (messages_fts, rowid, owner, content)
  SELECT 'delete', old.key, old.owner, old.content
  WHERE NOT EXISTS (SELECT 1 FROM search_pending WHERE key = old.key);
  DELETE FROM search_pending WHERE key = old.key;
END;
--> statement-breakpoint
-- Final states never change, nor what is indexed of them.
CREATE TRIGGER messages_final_is_final BEFORE UPDATE OF content, status, completed_at ON messages
WHEN old.completed_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a final message never changes');
END;
