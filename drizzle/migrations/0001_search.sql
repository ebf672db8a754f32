-- Full-text search over what is final. The index holds no text of its own: it refers to messages by key.
CREATE VIRTUAL TABLE messages_fts USING fts5(
  owner, content,
  content = 'messages', content_rowid = 'key',
  tokenize = 'unicode61 remove_diacritics 2'
);
--> statement-breakpoint
CREATE TRIGGER messages_fts_prompt AFTER INSERT ON messages
WHEN new.completed_at IS NOT NULL AND new.content <> ''
BEGIN
  INSERT INTO messages_fts (rowid, owner, content) VALUES (new.key, new.owner, new.content);
END;
--> statement-breakpoint
CREATE TRIGGER messages_fts_reply AFTER UPDATE OF completed_at ON messages
WHEN old.completed_at IS NULL AND new.completed_at IS NOT NULL AND new.content <> ''
BEGIN
  INSERT INTO messages_fts (rowid, owner, content) VALUES (new.key, new.owner, new.content);
END;
--> statement-breakpoint
CREATE TRIGGER messages_fts_gone AFTER DELETE ON messages
WHEN old.completed_at IS NOT NULL AND old.content <> ''
BEGIN
  INSERT INTO messages_fts (messages_fts, rowid, owner, content)
  VALUES ('delete', old.key, old.owner, old.content);
END;
--> statement-breakpoint
-- Final states never change, nor what is indexed of them.
CREATE TRIGGER messages_final_is_final BEFORE UPDATE OF content, status, completed_at ON messages
WHEN old.completed_at IS NOT NULL
BEGIN
  SELECT RAISE(ABORT, 'a final message never changes');
END;
