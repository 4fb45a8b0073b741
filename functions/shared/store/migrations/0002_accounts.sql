-- Accounts, sessions, API keys, login failures, and what idempotent requests were answered.
-- Times are milliseconds since the Unix epoch, UTC. No secret is stored: passwords are argon2id hashes, tokens and
-- keys SHA-256 digests of at least 128 random bits.

CREATE TABLE user (
    id            TEXT PRIMARY KEY,
    username      TEXT NOT NULL,
    email         TEXT,
    role          TEXT NOT NULL CHECK (role IN ('admin', 'user', 'viewer')),
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    disabled_at   INTEGER
) STRICT;

-- login: the account of a username
CREATE UNIQUE INDEX user_by_username ON user (username);

-- A login and all tokens that descend from it by refreshing.
CREATE TABLE session (
    id             TEXT PRIMARY KEY,
    user_id        TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    created_at     INTEGER NOT NULL,
    expires_at     INTEGER NOT NULL,
    revoked_at     INTEGER,
    revoked_reason TEXT CHECK (revoked_reason IN ('logout', 'password_changed', 'refresh_token_reused', 'account_disabled'))
) STRICT;

-- revoking all sessions of an account
CREATE INDEX session_by_user ON session (user_id);

-- the sweep of sessions that ended
CREATE INDEX session_by_expiry ON session (expires_at);

-- Each refresh token is used once. A second use means that it was stolen: the whole session is revoked.
CREATE TABLE refresh_token (
    digest     BLOB PRIMARY KEY CHECK (length(digest) = 32),
    session_id TEXT NOT NULL REFERENCES session (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;

-- deleting the tokens of a session with it
CREATE INDEX refresh_token_by_session ON refresh_token (session_id);

CREATE TABLE api_key (
    id           TEXT PRIMARY KEY,
    user_id      TEXT NOT NULL REFERENCES user (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,
    prefix       TEXT NOT NULL,
    digest       BLOB NOT NULL CHECK (length(digest) = 32),
    permissions  TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT;

-- authentication: the key of a digest
CREATE UNIQUE INDEX api_key_by_digest ON api_key (digest);

-- the list of an account's keys, newest first
CREATE INDEX api_key_by_user ON api_key (user_id, created_at DESC);

-- Wrong passwords in a row, by the name that was tried, whether or not such an account exists.
CREATE TABLE login_failure (
    username     TEXT PRIMARY KEY,
    failures     INTEGER NOT NULL,
    closed_until INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- the sweep of names that nobody tried for a day
CREATE INDEX login_failure_by_age ON login_failure (updated_at);

-- What a request with an Idempotency-Key was answered. While status is NULL it is being carried out by holder.
CREATE TABLE idempotency_record (
    caller_id    TEXT NOT NULL,
    method       TEXT NOT NULL,
    path         TEXT NOT NULL,
    key          TEXT NOT NULL,
    body_digest  BLOB NOT NULL CHECK (length(body_digest) = 32),
    holder       TEXT NOT NULL,
    status       INTEGER,
    headers      TEXT,
    body         BLOB,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (caller_id, key, method, path)
) STRICT, WITHOUT ROWID;

-- the sweep of records that nobody will ask for again
CREATE INDEX idempotency_record_by_expiry ON idempotency_record (expires_at);
