-- Further folders that a session works in, as a human set them or an application on their behalf. They count while the
-- session goes on in which they were set: one that ended by itself and begins anew has none.
CREATE TABLE roots (
    user    TEXT NOT NULL,
    session TEXT NOT NULL,
    -- When that session began.
    begun   INTEGER NOT NULL,
    folders TEXT NOT NULL CHECK (json_valid(folders)),
    PRIMARY KEY (user, session)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER roots_made AFTER INSERT ON roots BEGIN UPDATE changes SET sessions = sessions + 1; END;
CREATE TRIGGER roots_changed AFTER UPDATE ON roots BEGIN UPDATE changes SET sessions = sessions + 1; END;
CREATE TRIGGER roots_gone AFTER DELETE ON roots BEGIN UPDATE changes SET sessions = sessions + 1; END;
CREATE TRIGGER roots_end AFTER DELETE ON sessions
    BEGIN DELETE FROM roots WHERE user = OLD.user AND session = OLD.session; END;

-- A sub-agent's token: the sessions of the agents above and the kinds of sub-agents, both from the outermost to the
-- nearest, and the token that it was made under. All of them, or none.
ALTER TABLE tokens ADD COLUMN above TEXT CHECK (above IS NULL OR json_valid(above));
ALTER TABLE tokens ADD COLUMN kinds TEXT CHECK (kinds IS NULL OR json_valid(kinds));
ALTER TABLE tokens ADD COLUMN parent TEXT;
CREATE INDEX tokens_session ON tokens (user, session);
CREATE INDEX tokens_parent ON tokens (parent) WHERE parent IS NOT NULL;

-- An agent looks for the turns with which it was resumed.
CREATE INDEX batches_session ON batches (user, session);
