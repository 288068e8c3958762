-- The store's schema, version 1. Times are milliseconds since 1970 in UTC.

-- The newest time that the store has seen, and what the clock said then: see clock.rs.
CREATE TABLE clock (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    newest INTEGER NOT NULL,
    seen   INTEGER NOT NULL
) STRICT;
INSERT INTO clock VALUES (1, 0, 0);

-- When each session began and was last heard of. A grant for a session or a turn counts only while its session has a
-- row here that began before it.
CREATE TABLE sessions (
    user    TEXT NOT NULL,
    session TEXT NOT NULL,
    begun   INTEGER NOT NULL,
    used    INTEGER NOT NULL,
    PRIMARY KEY (user, session)
) STRICT, WITHOUT ROWID;

-- Questions and what became of them. `approval` is the whole state; the other columns repeat what is searched for.
CREATE TABLE approvals (
    id       TEXT PRIMARY KEY,
    digest   TEXT NOT NULL CHECK (length(digest) = 64),
    user     TEXT NOT NULL,
    session  TEXT NOT NULL,
    turn     TEXT,
    state    TEXT NOT NULL CHECK (state IN ('open', 'allowed', 'denied', 'redeemed', 'cancelled', 'expired')),
    -- What the agent has not come for yet: open, allowed and not redeemed, denied and not told.
    pending  INTEGER NOT NULL CHECK (pending IN (0, 1)),
    asked    INTEGER NOT NULL,
    -- When time alone ends it.
    due      INTEGER,
    approval TEXT NOT NULL CHECK (approval ->> '$.state.state' = state AND approval ->> '$.id' = id),
    call     TEXT NOT NULL CHECK (json_valid(call)),
    question TEXT NOT NULL CHECK (json_valid(question)),
    CHECK ((due IS NOT NULL) = (state IN ('open', 'allowed')))
) STRICT;
-- A call of a session is asked about once at a time.
CREATE UNIQUE INDEX approvals_open ON approvals (user, session, digest) WHERE state = 'open';
CREATE INDEX approvals_pending ON approvals (user, session, digest) WHERE pending = 1;
CREATE INDEX approvals_due ON approvals (due) WHERE due IS NOT NULL;

-- What humans had remembered.
CREATE TABLE grants (
    id       TEXT PRIMARY KEY,
    effect   TEXT NOT NULL CHECK (effect IN ('allow', 'deny')),
    scope    TEXT NOT NULL CHECK (scope IN ('turn', 'session', 'project', 'user')),
    user     TEXT NOT NULL,
    project  TEXT,
    session  TEXT,
    turn     TEXT,
    action   TEXT NOT NULL,
    -- The digest under which a call finds it: reach, action, and literal or first word. See grants.rs.
    seek     TEXT NOT NULL CHECK (length(seek) = 64),
    created  INTEGER NOT NULL,
    expires  INTEGER,
    approval TEXT REFERENCES approvals (id),
    -- When it was revoked, or its session ended.
    ended    INTEGER,
    uses     INTEGER NOT NULL DEFAULT 0,
    used     INTEGER,
    body     TEXT NOT NULL CHECK (body ->> '$.id' = id AND body ->> '$.effect' = effect),
    CHECK ((project IS NULL) = (scope = 'user')),
    CHECK ((session IS NULL) = (scope IN ('project', 'user'))),
    CHECK ((turn IS NULL) = (scope <> 'turn'))
) STRICT;
CREATE INDEX grants_seek ON grants (seek) WHERE ended IS NULL;
CREATE INDEX grants_session ON grants (user, session) WHERE ended IS NULL AND session IS NOT NULL;
CREATE INDEX grants_approval ON grants (approval);

-- Who did what that matters. Nothing in it is ever changed.
CREATE TABLE audit (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    kind     TEXT NOT NULL,
    approval TEXT,
    grant_id TEXT,
    detail   TEXT NOT NULL CHECK (json_valid(detail))
) STRICT;
CREATE INDEX audit_approval ON audit (approval) WHERE approval IS NOT NULL;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is never changed'); END;
CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is never cut'); END;

-- Every decision, capped by number and age: see log.rs. One INSERT does all that a decision leaves behind, so that it
-- takes a hook one statement and is whole or not there.
CREATE TABLE log (
    id       INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    -- What the computer's clock said, see clock.rs.
    clock    INTEGER NOT NULL,
    event    TEXT NOT NULL,
    user     TEXT NOT NULL,
    session  TEXT NOT NULL,
    project  TEXT NOT NULL,
    host     TEXT NOT NULL,
    tool     TEXT NOT NULL,
    call_id  TEXT,
    digest   TEXT NOT NULL,
    effect   TEXT NOT NULL CHECK (effect IN ('allow', 'ask', 'deny')),
    summary  TEXT NOT NULL,
    revision TEXT NOT NULL,
    approval TEXT,
    -- The grants that let the call run, or nothing.
    grants   TEXT CHECK (grants IS NULL OR json_valid(grants)),
    detail   TEXT NOT NULL CHECK (json_valid(detail))
) STRICT;
CREATE INDEX log_call ON log (session, call_id) WHERE call_id IS NOT NULL;
CREATE TRIGGER log_moves_time AFTER INSERT ON log BEGIN
    UPDATE clock SET newest = NEW.at, seen = NEW.clock WHERE newest <= NEW.at;
    -- A session that was idle for 12 hours has ended and begins anew: see sessions.rs.
    INSERT INTO sessions (user, session, begun, used) VALUES (NEW.user, NEW.session, NEW.at, NEW.at)
        ON CONFLICT DO UPDATE SET begun = iif(used <= NEW.at - 43200000, NEW.at, begun), used = max(used, NEW.at);
END;
CREATE TRIGGER log_counts_uses AFTER INSERT ON log WHEN NEW.grants IS NOT NULL BEGIN
    UPDATE grants SET uses = uses + 1, used = NEW.at WHERE id IN (SELECT value FROM json_each(NEW.grants));
END;

-- Pages and terminals where a human would see a question.
CREATE TABLE listeners (
    id    TEXT PRIMARY KEY,
    kind  TEXT NOT NULL,
    user  TEXT NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Agents' tokens, by the SHA-256 of 256 random bits.
CREATE TABLE tokens (
    hash    TEXT PRIMARY KEY CHECK (length(hash) = 64),
    id      TEXT NOT NULL UNIQUE,
    name    TEXT NOT NULL,
    user    TEXT NOT NULL,
    session TEXT NOT NULL,
    project TEXT,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;

-- One-time codes with which a human signs in.
CREATE TABLE signin_codes (
    hash    TEXT PRIMARY KEY CHECK (length(hash) = 64),
    user    TEXT NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Humans who are signed in.
CREATE TABLE human_sessions (
    hash    TEXT PRIMARY KEY CHECK (length(hash) = 64),
    user    TEXT NOT NULL,
    csrf    TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Which content of which project's file counts for whom.
CREATE TABLE trust (
    user    TEXT NOT NULL,
    path    TEXT NOT NULL,
    digest  TEXT NOT NULL CHECK (length(digest) = 64),
    created INTEGER NOT NULL,
    PRIMARY KEY (user, path, digest)
) STRICT, WITHOUT ROWID;

-- Policy files whose examples were checked and hold, by the engine's key.
CREATE TABLE checked (
    key TEXT PRIMARY KEY,
    at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Edits of files that can be undone. NULL: the file did not exist.
CREATE TABLE edits (
    id     INTEGER PRIMARY KEY AUTOINCREMENT,
    user   TEXT NOT NULL,
    path   TEXT NOT NULL,
    before TEXT,
    after  TEXT,
    at     INTEGER NOT NULL,
    undone INTEGER
) STRICT;
