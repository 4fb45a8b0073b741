-- Deliveries of GitHub's webhooks, each once (invariant I8).
CREATE TABLE delivery (
    id TEXT PRIMARY KEY,
    -- GitHub's own id. Serves the arrival: is it known?
    guid TEXT NOT NULL UNIQUE,
    -- Of the payload, in hexadecimal. Serves the arrival under another GUID.
    sha256 TEXT NOT NULL UNIQUE,
    event TEXT NOT NULL,
    action TEXT,
    repository TEXT,
    -- Without a reference: a delivery outlives its project.
    project_id TEXT,
    installation_id INTEGER,
    status TEXT NOT NULL CHECK (status IN ('received', 'processing', 'processed', 'ignored', 'failed')),
    outcome TEXT,
    error TEXT,
    bead_id TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    repeats INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    -- Received: not tried before. Processing: the handler counts as dead from then on.
    due_at INTEGER,
    processed_at INTEGER,
    fence INTEGER NOT NULL DEFAULT 0,
    CHECK ((due_at IS NOT NULL) = (status IN ('received', 'processing')))
) STRICT;

-- Serves the sweep and the tick: what is to be tried, or was left by a handler that died?
CREATE INDEX delivery_due ON delivery (due_at, id) WHERE due_at IS NOT NULL;

-- Serves the list of deliveries, newest first, and their retention.
CREATE INDEX delivery_by_time ON delivery (received_at, id);

-- Serves the list of one project's deliveries, newest first.
CREATE INDEX delivery_of_project ON delivery (project_id, received_at, id) WHERE project_id IS NOT NULL;

-- Serves the counts and the list of those of one status.
CREATE INDEX delivery_by_status ON delivery (status, received_at, id);

-- What came, as it came: kept for a week, so that it can be handled again.
CREATE TABLE delivery_payload (
    delivery_id TEXT PRIMARY KEY REFERENCES delivery (id) ON DELETE CASCADE,
    headers TEXT NOT NULL,
    -- The payload: as it is, or deflated (RFC 1951).
    encoding TEXT NOT NULL CHECK (encoding IN ('identity', 'deflate')),
    body BLOB NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;

-- Serves the retention.
CREATE INDEX delivery_payload_by_time ON delivery_payload (received_at);

-- When a refusal was last recorded, by its code, so that a flood of them is a row a minute.
CREATE TABLE delivery_refusal (
    code TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What GitHub was asked to send again, and how often.
CREATE TABLE redelivery (
    guid TEXT PRIMARY KEY,
    attempts INTEGER NOT NULL,
    asked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When GitHub is asked next which deliveries never arrived.
CREATE TABLE redelivery_sweep (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    due_at INTEGER NOT NULL
) STRICT;

INSERT INTO redelivery_sweep (id, due_at) VALUES (1, 0);

-- Issues that Loom has closed on GitHub along with their beads, or found closed: each is closed once, and opened again
-- once the bead is.
CREATE TABLE issue_in_step (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    PRIMARY KEY (project_id, number)
) STRICT, WITHOUT ROWID;
