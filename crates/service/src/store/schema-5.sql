-- Webhooks, what is on its way to them, and which servers are there.

-- Addresses that a human set, to be told of questions or resumed with turns. Whoever signs needs the secret as it is; once
-- a webhook has ended, it is gone.
CREATE TABLE webhooks (
    id      TEXT PRIMARY KEY,
    user    TEXT NOT NULL,
    name    TEXT NOT NULL,
    url     TEXT NOT NULL,
    secret  TEXT NOT NULL,
    -- Only for sessions of this host.
    host    TEXT,
    -- Whether it is told of questions, and whether it resumes turns.
    notices INTEGER NOT NULL CHECK (notices IN (0, 1)),
    resumes INTEGER NOT NULL CHECK (resumes IN (0, 1)),
    created INTEGER NOT NULL,
    ended   INTEGER,
    -- Whether its own side ended it, with the status 410.
    gone    INTEGER NOT NULL DEFAULT 0 CHECK (gone IN (0, 1)),
    CHECK (notices + resumes > 0),
    CHECK ((ended IS NULL) = (secret LIKE 'whsec\_%' ESCAPE '\'))
) STRICT;
-- A turn is resumed by one.
CREATE UNIQUE INDEX webhooks_resume ON webhooks (user, coalesce(host, '')) WHERE resumes = 1 AND ended IS NULL;

-- What is to be sent to them, written with what it tells of. Whoever sends a row claims it until a time: see outbox.rs.
CREATE TABLE outbox (
    id      TEXT PRIMARY KEY,
    webhook TEXT NOT NULL REFERENCES webhooks (id),
    kind    TEXT NOT NULL CHECK (kind IN ('approval.asked', 'approval.closed', 'turn.resumed')),
    -- The question or the batch.
    subject TEXT NOT NULL,
    body    TEXT NOT NULL CHECK (json_valid(body)),
    state   TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed', 'dropped')),
    made    INTEGER NOT NULL,
    -- When it is sent next.
    due     INTEGER NOT NULL,
    tries   INTEGER NOT NULL DEFAULT 0,
    claim   TEXT,
    until   INTEGER,
    -- What was wrong last, or why it was dropped.
    fault   TEXT,
    ended   INTEGER,
    CHECK ((claim IS NULL) = (until IS NULL)),
    CHECK ((ended IS NULL) = (state = 'waiting'))
) STRICT;
CREATE INDEX outbox_waiting ON outbox (due) WHERE state = 'waiting';
CREATE INDEX outbox_webhook ON outbox (webhook, id);
CREATE INDEX outbox_subject ON outbox (subject);
CREATE INDEX outbox_ended ON outbox (ended) WHERE ended IS NOT NULL;

-- Servers over this store: since when, when they were last heard of, and until when they count as there: see servers.rs.
CREATE TABLE servers (
    id    TEXT PRIMARY KEY,
    begun INTEGER NOT NULL,
    seen  INTEGER NOT NULL,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Open questions that were shown on the desktop, by whichever server did.
CREATE TABLE noticed (
    approval TEXT PRIMARY KEY REFERENCES approvals (id)
) STRICT, WITHOUT ROWID;

-- Whether the last question of a batch is over is asked with each reply.
CREATE INDEX members_batch ON members (batch);
