-- Version 2: turns.

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
