-- What a server writes in batches, and which questions it need not look for.

-- How many decisions that differ in nothing the row stands for, where many were written together; what those leave behind
-- is written once for all of them: see log/batch.rs. Nothing where one was written by itself, and triggers do that.
ALTER TABLE log ADD COLUMN times INTEGER CHECK (times > 0);
DROP TRIGGER log_moves_time;
CREATE TRIGGER log_moves_time AFTER INSERT ON log WHEN NEW.times IS NULL BEGIN
    UPDATE clock SET newest = NEW.at, seen = NEW.clock WHERE newest <= NEW.at;
    -- A session that was idle for 12 hours has ended and begins anew: see sessions.rs. How its run goes on: see runs.rs.
    INSERT INTO sessions (user, session, begun, used, run, runs, run_id)
        VALUES (NEW.user, NEW.session, NEW.at, NEW.at,
            iif(NEW.effect = 'allow', NEW.run, NULL),
            NEW.effect = 'allow' AND NEW.run IS NOT NULL,
            iif(NEW.effect = 'allow' AND NEW.run IS NOT NULL AND NEW.event <> 'ran', NEW.run_id, NULL))
        ON CONFLICT DO UPDATE SET
            begun = iif(used <= NEW.at - 43200000, NEW.at, begun),
            used = max(used, NEW.at),
            mode = iif(used <= NEW.at - 43200000, NULL, mode),
            run = CASE
                WHEN NEW.effect = 'allow' AND NEW.run IS NOT NULL THEN NEW.run
                WHEN used <= NEW.at - 43200000 THEN NULL
                ELSE run END,
            runs = CASE
                WHEN NEW.effect = 'allow' AND NEW.run IS NOT NULL THEN
                    iif(NEW.approval IS NULL AND run = NEW.run AND used > NEW.at - 43200000,
                        -- Judged again under the same id, it is the same call.
                        runs + iif(NEW.run_id = run_id, 0, 1),
                        1)
                WHEN used <= NEW.at - 43200000 THEN 0
                ELSE runs END,
            run_id = CASE
                WHEN NEW.effect = 'allow' AND NEW.run IS NOT NULL THEN iif(NEW.event = 'ran', NULL, NEW.run_id)
                WHEN used <= NEW.at - 43200000 OR (NEW.event = 'ran' AND NEW.run_id = run_id) THEN NULL
                ELSE run_id END;
END;
DROP TRIGGER log_counts_uses;
CREATE TRIGGER log_counts_uses AFTER INSERT ON log WHEN NEW.times IS NULL AND NEW.grants IS NOT NULL BEGIN
    UPDATE grants SET uses = uses + 1, used = NEW.at WHERE id IN (SELECT value FROM json_each(NEW.grants));
END;

-- Some stores of version 5 have it, and nothing asks by it.
DROP INDEX IF EXISTS outbox_failed;

-- Whether a session has questions that its agent has not come for: see http/mirror.rs.
ALTER TABLE changes ADD COLUMN questions INTEGER NOT NULL DEFAULT 0;
CREATE TRIGGER questions_made AFTER INSERT ON approvals BEGIN UPDATE changes SET questions = questions + 1; END;
CREATE TRIGGER questions_changed AFTER UPDATE OF user, session, pending ON approvals
    WHEN OLD.user IS NOT NEW.user OR OLD.session IS NOT NEW.session OR OLD.pending IS NOT NEW.pending
    BEGIN UPDATE changes SET questions = questions + 1; END;
CREATE TRIGGER questions_gone AFTER DELETE ON approvals BEGIN UPDATE changes SET questions = questions + 1; END;
