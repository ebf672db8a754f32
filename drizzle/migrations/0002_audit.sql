-- The audit log is appended to and nothing else. The newest 90 days, by its own time, cannot be taken out.
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
