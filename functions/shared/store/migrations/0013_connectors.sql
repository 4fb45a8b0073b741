-- Connectors: where people are told what happens. No secret is in here: where one belongs, there is its name.
CREATE TABLE connector (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL CHECK (kind IN ('webhook', 'slack', 'discord', 'openclaw')),
    url TEXT NOT NULL,
    secret TEXT,
    project_id TEXT REFERENCES project (id) ON DELETE CASCADE,
    events TEXT NOT NULL,
    min_priority INTEGER CHECK (min_priority BETWEEN 0 AND 3),
    escalations_only INTEGER NOT NULL,
    agent_id TEXT,
    channel TEXT,
    recipient TEXT,
    status TEXT NOT NULL CHECK (status IN ('active', 'paused')),
    paused_reason TEXT,
    paused_at INTEGER,
    consecutive_failures INTEGER NOT NULL DEFAULT 0,
    -- The other side asked for nothing before.
    not_before INTEGER NOT NULL DEFAULT 0,
    -- All events up to this one have been looked at.
    cursor INTEGER NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Serves the sweep, and the tick that asks whether one is due: which active ones are behind the log.
CREATE INDEX connector_behind ON connector (cursor) WHERE status = 'active';

-- Serves the deletion of a project.
CREATE INDEX connector_of_project ON connector (project_id) WHERE project_id IS NOT NULL;

-- One event on its way to one connector, or a test message, which has no event.
CREATE TABLE connector_delivery (
    id TEXT PRIMARY KEY,
    connector_id TEXT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    sequence INTEGER,
    event TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'held', 'delivered', 'failed', 'skipped')),
    -- How often sending began. It is counted before each attempt, and the attempt's result is recorded for its number
    -- alone, so that a sweep that comes late changes nothing.
    attempts INTEGER NOT NULL DEFAULT 0,
    -- When it is sent next. While it is being sent, when it is sent again should the sender have died.
    next_attempt_at INTEGER,
    attempted_at INTEGER,
    response_status INTEGER,
    latency_ms INTEGER,
    code TEXT,
    message TEXT,
    created_at INTEGER NOT NULL,
    delivered_at INTEGER,
    -- An event is told to a connector once.
    UNIQUE (connector_id, sequence)
) STRICT;

-- Serves the tick: is any due?
CREATE INDEX connector_delivery_due ON connector_delivery (next_attempt_at) WHERE status = 'pending';

-- Serves the sweep: the next one of a connector.
CREATE INDEX connector_delivery_next ON connector_delivery (connector_id, next_attempt_at) WHERE status = 'pending';

-- Serves the log of a connector, newest first.
CREATE INDEX connector_delivery_log ON connector_delivery (connector_id, created_at, id);

-- Serves the forgetting of old ones.
CREATE INDEX connector_delivery_ended ON connector_delivery (created_at) WHERE status IN ('delivered', 'failed', 'skipped');

-- Replies that were handled, so that each is handled once (invariant I8). Ids of messages are unique for their sender
-- and messenger only.
CREATE TABLE connector_reply (
    channel TEXT NOT NULL,
    sender TEXT NOT NULL,
    message_id TEXT NOT NULL,
    body_sha256 TEXT NOT NULL,
    -- What the gateway was told, as JSON.
    answer TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (channel, sender, message_id)
) STRICT, WITHOUT ROWID;

-- Serves the forgetting of old ones, and when the last one came.
CREATE INDEX connector_reply_received ON connector_reply (received_at);
