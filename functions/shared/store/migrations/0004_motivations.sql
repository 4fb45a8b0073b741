-- Motivations at work: those of one project each. What Loom ships is a table in the code, and a row is made of it when
-- it is enabled for a project.
CREATE TABLE motivation (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    -- The shipped motivation that it was made of.
    built_in TEXT,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('calendar', 'interval', 'threshold', 'idle', 'event', 'external')),
    condition TEXT NOT NULL,
    parameters TEXT NOT NULL,
    role TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'disabled')),
    cooldown_minutes INTEGER NOT NULL CHECK (cooldown_minutes >= 0),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 100),
    bead_template TEXT,
    wake_agent INTEGER NOT NULL,
    is_perpetual INTEGER NOT NULL,
    -- The next occurrence of a calendar or an interval.
    next_fire_at INTEGER,
    -- Not looked at before: it cools down, a cap or its breaker holds it, or its facts change slowly.
    not_before INTEGER,
    last_triggered_at INTEGER,
    trigger_count INTEGER NOT NULL DEFAULT 0,
    -- What was skipped last and why, so that the same is recorded once.
    last_skip TEXT,
    breaker TEXT NOT NULL CHECK (breaker IN ('closed', 'open', 'half_open')),
    breaker_failures INTEGER NOT NULL DEFAULT 0,
    breaker_wait_ms INTEGER NOT NULL DEFAULT 0,
    breaker_retry_at INTEGER,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    enabled_at INTEGER,
    disabled_at INTEGER
) STRICT;

-- One row a project of each that Loom ships. Serves the projects that have not got theirs yet.
CREATE UNIQUE INDEX motivation_built_in ON motivation (project_id, built_in) WHERE built_in IS NOT NULL;

-- Serves the sweep: which are active, and may be looked at.
CREATE INDEX motivation_active ON motivation (not_before) WHERE status = 'active';

-- What a motivation is about. An occurrence that came as an event waits here until the motivation fires, and every
-- occurrence that was handled stays here for a while, so that it is handled once.
CREATE TABLE motivation_occurrence (
    motivation_id TEXT NOT NULL REFERENCES motivation (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    summary TEXT NOT NULL,
    bead_id TEXT,
    at INTEGER NOT NULL,
    handled_at INTEGER,
    PRIMARY KEY (motivation_id, key)
) STRICT, WITHOUT ROWID;

-- Serves the sweep: what waits to be handled.
CREATE INDEX motivation_waiting ON motivation_occurrence (motivation_id, at) WHERE handled_at IS NULL;

CREATE TABLE motivation_trigger (
    id TEXT PRIMARY KEY,
    motivation_id TEXT NOT NULL REFERENCES motivation (id) ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    result TEXT NOT NULL
        CHECK (result IN ('fired', 'skipped', 'missed', 'cooldown', 'capped', 'breaker_open', 'error')),
    reason TEXT NOT NULL,
    is_manual INTEGER NOT NULL,
    -- How many occurrences it stands for.
    occurrences INTEGER NOT NULL,
    bead_id TEXT,
    -- Idle agents of the role that were there to be woken.
    woken INTEGER NOT NULL,
    -- How the bead ended: it closes the circuit breaker, or counts against it.
    outcome TEXT CHECK (outcome IN ('succeeded', 'failed', 'withdrawn')),
    created_at INTEGER NOT NULL
) STRICT;

-- Serves the history of one motivation, newest first, and its retention.
CREATE INDEX motivation_trigger_of ON motivation_trigger (motivation_id, created_at, id);

-- Serves the history of all, newest first.
CREATE INDEX motivation_trigger_by_time ON motivation_trigger (created_at, id);

-- Serves the sweep: beads whose end is still to be learnt.
CREATE INDEX motivation_trigger_open ON motivation_trigger (bead_id)
    WHERE result = 'fired' AND bead_id IS NOT NULL AND outcome IS NULL;

-- What was fired and filed on a UTC day, in a project and (project '') in all: the caps.
CREATE TABLE motivation_day (
    day TEXT NOT NULL,
    project_id TEXT NOT NULL,
    fired INTEGER NOT NULL DEFAULT 0,
    filed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, project_id)
) STRICT, WITHOUT ROWID;

-- What the last tests of each run said: failed or passed, and the coverage if they told it.
CREATE TABLE test_report (
    run_id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    bead_id TEXT NOT NULL,
    failed INTEGER NOT NULL,
    coverage_permille INTEGER,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Serves the thresholds: the newest reports, and their retention.
CREATE INDEX test_report_by_time ON test_report (at);

-- The sweep: when it is due next, and the last event that it has looked at.
CREATE TABLE motivation_sweep (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    due_at INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    swept_at INTEGER
) STRICT;

INSERT INTO motivation_sweep (id, due_at, cursor) SELECT 1, 0, COALESCE(MAX(sequence), 0) FROM event;

-- Serves the deadlines: open beads that are due soon.
CREATE INDEX bead_due ON bead (due_at) WHERE due_at IS NOT NULL AND status <> 'closed' AND deleted_at IS NULL;

-- Serves the velocity: what was closed lately, by project.
CREATE INDEX bead_closed_lately ON bead (closed_at, project_id) WHERE closed_at IS NOT NULL AND deleted_at IS NULL;
