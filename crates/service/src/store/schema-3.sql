-- How often that was changed of which a server keeps copies in memory. Triggers count, so that whoever changes it, in
-- whatever process and way, is noticed: see http/mirror.rs.
CREATE TABLE changes (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    tokens    INTEGER NOT NULL,
    people    INTEGER NOT NULL,
    grants    INTEGER NOT NULL,
    sessions  INTEGER NOT NULL,
    trust     INTEGER NOT NULL,
    listeners INTEGER NOT NULL,
    chats     INTEGER NOT NULL
) STRICT;
INSERT INTO changes VALUES (1, 0, 0, 0, 0, 0, 0, 0);

CREATE TRIGGER tokens_made AFTER INSERT ON tokens BEGIN UPDATE changes SET tokens = tokens + 1; END;
CREATE TRIGGER tokens_changed AFTER UPDATE ON tokens BEGIN UPDATE changes SET tokens = tokens + 1; END;
CREATE TRIGGER tokens_gone AFTER DELETE ON tokens BEGIN UPDATE changes SET tokens = tokens + 1; END;

CREATE TRIGGER people_made AFTER INSERT ON human_sessions BEGIN UPDATE changes SET people = people + 1; END;
CREATE TRIGGER people_changed AFTER UPDATE ON human_sessions BEGIN UPDATE changes SET people = people + 1; END;
CREATE TRIGGER people_gone AFTER DELETE ON human_sessions BEGIN UPDATE changes SET people = people + 1; END;

CREATE TRIGGER grants_made AFTER INSERT ON grants BEGIN UPDATE changes SET grants = grants + 1; END;
-- But not that they were used: that is with every call that they let run.
CREATE TRIGGER grants_changed AFTER UPDATE OF id, user, session, created, expires, ended, body ON grants
    BEGIN UPDATE changes SET grants = grants + 1; END;
CREATE TRIGGER grants_gone AFTER DELETE ON grants BEGIN UPDATE changes SET grants = grants + 1; END;
-- A session that begins anew, or ends, takes its grants with it; and one that comes back after a while keeps them. While
-- it is in constant use that is not counted: see GRANTS_KEPT in http/mirror.rs.
CREATE TRIGGER sessions_anew AFTER UPDATE OF user, session, begun, used ON sessions
    WHEN OLD.begun IS NOT NEW.begun OR NEW.used > OLD.used + 60000 OR NEW.used < OLD.used
        OR OLD.user IS NOT NEW.user OR OLD.session IS NOT NEW.session
    BEGIN UPDATE changes SET grants = grants + 1; END;
CREATE TRIGGER sessions_gone AFTER DELETE ON sessions BEGIN UPDATE changes SET grants = grants + 1; END;

-- What a session last did, and the mode that was set for it.
CREATE TRIGGER runs_begun AFTER INSERT ON sessions BEGIN UPDATE changes SET sessions = sessions + 1; END;
CREATE TRIGGER runs_changed AFTER UPDATE ON sessions
    WHEN OLD.begun IS NOT NEW.begun OR NEW.used > OLD.used + 60000 OR NEW.used < OLD.used
        OR OLD.user IS NOT NEW.user OR OLD.session IS NOT NEW.session OR OLD.run IS NOT NEW.run
        OR OLD.runs IS NOT NEW.runs OR OLD.run_id IS NOT NEW.run_id OR OLD.mode IS NOT NEW.mode
    BEGIN UPDATE changes SET sessions = sessions + 1; END;
CREATE TRIGGER runs_gone AFTER DELETE ON sessions BEGIN UPDATE changes SET sessions = sessions + 1; END;

CREATE TRIGGER trust_made AFTER INSERT ON trust BEGIN UPDATE changes SET trust = trust + 1; END;
CREATE TRIGGER trust_changed AFTER UPDATE ON trust BEGIN UPDATE changes SET trust = trust + 1; END;
CREATE TRIGGER trust_gone AFTER DELETE ON trust BEGIN UPDATE changes SET trust = trust + 1; END;

CREATE TRIGGER listeners_made AFTER INSERT ON listeners BEGIN UPDATE changes SET listeners = listeners + 1; END;
CREATE TRIGGER listeners_changed AFTER UPDATE ON listeners BEGIN UPDATE changes SET listeners = listeners + 1; END;
CREATE TRIGGER listeners_gone AFTER DELETE ON listeners BEGIN UPDATE changes SET listeners = listeners + 1; END;

CREATE TRIGGER chats_made AFTER INSERT ON chats BEGIN UPDATE changes SET chats = chats + 1; END;
CREATE TRIGGER chats_changed AFTER UPDATE ON chats BEGIN UPDATE changes SET chats = chats + 1; END;
CREATE TRIGGER chats_gone AFTER DELETE ON chats BEGIN UPDATE changes SET chats = chats + 1; END;
