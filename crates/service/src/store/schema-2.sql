-- Version 2: turns, tokens of applications, what is counted and set in sessions, and chats.

-- The questions of one turn, answered together: see policy's batch.rs. `body` is the whole state.
CREATE TABLE batches (
    id      TEXT PRIMARY KEY,
    user    TEXT NOT NULL,
    session TEXT NOT NULL,
    turn    TEXT,
    state   TEXT NOT NULL CHECK (state IN ('open', 'ready', 'sending', 'resumed', 'cancelled')),
    made    INTEGER NOT NULL,
    body    TEXT NOT NULL CHECK (body ->> '$.state.state' = state AND body ->> '$.id' = id)
) STRICT;
CREATE INDEX batches_alive ON batches (user, session) WHERE state IN ('open', 'ready', 'sending');

-- Which questions are in which batches: the same call in two turns is one question.
CREATE TABLE members (
    approval TEXT NOT NULL REFERENCES approvals (id),
    batch    TEXT NOT NULL REFERENCES batches (id),
    PRIMARY KEY (approval, batch)
) STRICT, WITHOUT ROWID;

-- Idempotency keys that agents sent, what their requests were, and what they made or took.
CREATE TABLE keys (
    user        TEXT NOT NULL,
    session     TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
    subject     TEXT NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (user, session, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX keys_at ON keys (at);

-- Tokens of applications that embed agents, by the SHA-256 of 256 random bits. A table of their own: no look-up for one
-- kind finds the other.
CREATE TABLE applications (
    hash    TEXT PRIMARY KEY CHECK (length(hash) = 64),
    id      TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    user    TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;

-- What is counted and set in a session; it ends with the session. The last call that was allowed (`Call::repeated_as`),
-- how often in a row, and the host's id of the last of them until it has run.
ALTER TABLE sessions ADD COLUMN run TEXT CHECK (run IS NULL OR length(run) = 64);
ALTER TABLE sessions ADD COLUMN runs INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sessions ADD COLUMN run_id TEXT;
-- The mode that a human or an application set.
ALTER TABLE sessions ADD COLUMN mode TEXT;

-- What the call counts as where repetition is counted, and the host's id under which it may come again.
ALTER TABLE log ADD COLUMN run TEXT CHECK (run IS NULL OR length(run) = 64);
ALTER TABLE log ADD COLUMN run_id TEXT;
DROP TRIGGER log_moves_time;
CREATE TRIGGER log_moves_time AFTER INSERT ON log BEGIN
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

-- Chats in which a session's questions are asked, one at a time: see chats.rs. `body` is the question that was presented
-- there last, with what its prompt said and offered.
CREATE TABLE chats (
    user     TEXT NOT NULL,
    session  TEXT NOT NULL,
    -- Until when somebody looks there for questions.
    until    INTEGER NOT NULL,
    approval TEXT REFERENCES approvals (id),
    body     TEXT CHECK (body ->> '$.approval' = approval),
    PRIMARY KEY (user, session),
    CHECK ((approval IS NULL) = (body IS NULL))
) STRICT, WITHOUT ROWID;

-- What people said there, by the channel's own id, so that a message which is delivered twice counts once.
CREATE TABLE messages (
    user        TEXT NOT NULL,
    session     TEXT NOT NULL,
    message     TEXT NOT NULL,
    fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 64),
    heard       TEXT NOT NULL CHECK (json_valid(heard)),
    at          INTEGER NOT NULL,
    PRIMARY KEY (user, session, message)
) STRICT, WITHOUT ROWID;
CREATE INDEX messages_at ON messages (at);
