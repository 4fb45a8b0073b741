CREATE TABLE project (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    git_repo TEXT NOT NULL,
    branch TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'closed')),
    git_strategy TEXT NOT NULL CHECK (git_strategy IN ('branch-pr', 'direct')),
    bead_prefix TEXT NOT NULL UNIQUE,
    build_command TEXT,
    test_command TEXT,
    lint_command TEXT,
    allowed_commands TEXT NOT NULL,
    context TEXT NOT NULL,
    is_perpetual INTEGER NOT NULL,
    max_concurrent INTEGER NOT NULL CHECK (max_concurrent > 0),
    budget_micro_usd INTEGER,
    bead_budget_micro_usd INTEGER,
    bead_count INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT;

CREATE TABLE agent (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    persona TEXT NOT NULL,
    project_id TEXT REFERENCES project (id),
    provider_id TEXT,
    model TEXT,
    status TEXT NOT NULL CHECK (status IN ('idle', 'busy', 'stuck')),
    status_reason TEXT,
    current_run TEXT,
    current_bead TEXT,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    last_active_at INTEGER,
    -- Invariant I1: an agent is busy exactly while it has a run.
    CHECK ((status = 'busy') = (current_run IS NOT NULL))
) STRICT;

-- Serves the tick: who is free, longest idle first.
CREATE INDEX agent_idle ON agent (last_active_at, id) WHERE status = 'idle';

CREATE TABLE persona_override (
    name TEXT PRIMARY KEY,
    content TEXT NOT NULL,
    version INTEGER NOT NULL DEFAULT 1,
    updated_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE provider (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind = 'openai'),
    endpoint TEXT NOT NULL,
    model TEXT,
    context_window INTEGER NOT NULL,
    prompt_price_micro_usd INTEGER NOT NULL,
    completion_price_micro_usd INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'healthy', 'failed')),
    last_error TEXT,
    last_heartbeat_at INTEGER,
    next_heartbeat_at INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

-- Serves the heartbeat: which providers are due.
CREATE INDEX provider_due ON provider (next_heartbeat_at);

CREATE TABLE bead (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    kind TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'in_progress', 'blocked', 'closed')),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    parent TEXT REFERENCES bead (id),
    touches TEXT NOT NULL,
    context TEXT NOT NULL,
    due_at INTEGER,
    estimate_minutes INTEGER,
    assigned_to TEXT REFERENCES agent (id),
    wanted_role TEXT,
    dispatch_count INTEGER NOT NULL DEFAULT 0,
    failed_runs INTEGER NOT NULL DEFAULT 0,
    retry_at INTEGER,
    open_blockers INTEGER NOT NULL DEFAULT 0 CHECK (open_blockers >= 0),
    open_decisions INTEGER NOT NULL DEFAULT 0 CHECK (open_decisions >= 0),
    requires_human INTEGER NOT NULL DEFAULT 0,
    run_id TEXT,
    fence INTEGER NOT NULL DEFAULT 0,
    in_review INTEGER NOT NULL DEFAULT 0,
    commit_id TEXT,
    created_by TEXT NOT NULL,
    fingerprint TEXT,
    root_id TEXT,
    cause_depth INTEGER NOT NULL DEFAULT 0 CHECK (cause_depth BETWEEN 0 AND 2),
    close_reason TEXT,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    closed_at INTEGER,
    deleted_at INTEGER,
    CHECK (run_id IS NULL OR status IN ('in_progress', 'blocked'))
) STRICT;

-- Serves the tick: the next ready beads of a project that want a role, urgent and old first (invariant I4). A bead
-- enters and leaves it with the statement that changes its readiness, so no tick ever scans beads.
CREATE INDEX bead_ready ON bead (project_id, wanted_role, priority, created_at, id)
    WHERE status = 'open' AND open_blockers = 0 AND open_decisions = 0 AND requires_human = 0 AND retry_at IS NULL;

-- Serves the list of a project's beads by status, and the counts of its state.
CREATE INDEX bead_by_status ON bead (project_id, status, priority, created_at, id) WHERE deleted_at IS NULL;

-- Serves the list of all beads, newest first.
CREATE INDEX bead_by_creation ON bead (created_at, id) WHERE deleted_at IS NULL;

-- Serves the list of an agent's beads.
CREATE INDEX bead_by_assignee ON bead (assigned_to) WHERE assigned_to IS NOT NULL AND deleted_at IS NULL;

-- Serves the children of a bead.
CREATE INDEX bead_by_parent ON bead (parent) WHERE parent IS NOT NULL AND deleted_at IS NULL;

-- Invariant I9: at most one open bead a fingerprint.
CREATE UNIQUE INDEX bead_fingerprint ON bead (fingerprint) WHERE fingerprint IS NOT NULL AND status <> 'closed';

-- Serves the fan-out cap of self-filed work.
CREATE INDEX bead_by_root ON bead (root_id) WHERE root_id IS NOT NULL;

-- Serves the hourly cap of self-filed work of a project.
CREATE INDEX bead_auto_filed ON bead (project_id, created_at) WHERE fingerprint IS NOT NULL;

CREATE TABLE bead_tag (
    bead_id TEXT NOT NULL REFERENCES bead (id),
    position INTEGER NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (bead_id, tag)
) STRICT, WITHOUT ROWID;

-- Serves the list of beads with a tag.
CREATE INDEX bead_by_tag ON bead_tag (tag, bead_id);

-- A blocker need not exist: one that is not known blocks as well.
CREATE TABLE bead_blocker (
    bead_id TEXT NOT NULL REFERENCES bead (id),
    blocker_id TEXT NOT NULL,
    PRIMARY KEY (bead_id, blocker_id)
) STRICT, WITHOUT ROWID;

-- Serves the closing of a blocker: whom does it free?
CREATE INDEX bead_blocked ON bead_blocker (blocker_id, bead_id);

CREATE TABLE bead_related (
    bead_id TEXT NOT NULL REFERENCES bead (id),
    related_id TEXT NOT NULL,
    PRIMARY KEY (bead_id, related_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE run (
    id TEXT PRIMARY KEY,
    bead_id TEXT NOT NULL REFERENCES bead (id),
    project_id TEXT NOT NULL REFERENCES project (id),
    agent_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('queued', 'running', 'waiting', 'succeeded', 'failed', 'cancelled')),
    fence INTEGER NOT NULL,
    lease_until INTEGER NOT NULL,
    steps INTEGER NOT NULL DEFAULT 0,
    parse_failures INTEGER NOT NULL DEFAULT 0,
    restarts INTEGER NOT NULL DEFAULT 0,
    branch TEXT,
    commit_id TEXT,
    reason TEXT,
    summary TEXT,
    created_at INTEGER NOT NULL,
    ended_at INTEGER
) STRICT;

-- Invariant I1: at most one live run a bead, and one working run an agent.
CREATE UNIQUE INDEX run_live_of_bead ON run (bead_id) WHERE status IN ('queued', 'running', 'waiting');
CREATE UNIQUE INDEX run_working_of_agent ON run (agent_id) WHERE status IN ('queued', 'running');

-- Serves the tick: runs whose holder died (invariants I3 and I12).
CREATE INDEX run_expiring ON run (lease_until) WHERE status IN ('queued', 'running');

-- Serves the capacity of a project and of the whole.
CREATE INDEX run_working ON run (project_id) WHERE status IN ('queued', 'running');

-- Serves a bead's history.
CREATE INDEX run_of_bead ON run (bead_id, created_at);

CREATE TABLE step (
    run_id TEXT NOT NULL REFERENCES run (id),
    number INTEGER NOT NULL,
    -- calling: money is reserved and the model may be at work; replied: its reply is journalled (invariant I7),
    -- ended: its actions are journalled too.
    status TEXT NOT NULL CHECK (status IN ('calling', 'replied', 'ended')),
    request TEXT,
    calls INTEGER NOT NULL DEFAULT 1,
    -- Calls that failed, and how often the idempotency key had to be renewed because of that.
    failures INTEGER NOT NULL DEFAULT 0,
    key_number INTEGER NOT NULL DEFAULT 0,
    reserved_micro_usd INTEGER NOT NULL,
    reply TEXT,
    provider_id TEXT NOT NULL,
    model_asked TEXT,
    model_given TEXT,
    prompt_tokens INTEGER,
    completion_tokens INTEGER,
    cost_micro_usd INTEGER,
    started_at INTEGER NOT NULL,
    replied_at INTEGER,
    ended_at INTEGER,
    PRIMARY KEY (run_id, number),
    CHECK ((status = 'calling') = (reply IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE action_result (
    run_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    action TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('ok', 'refused', 'error')),
    code TEXT,
    result TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, step, position),
    FOREIGN KEY (run_id, step) REFERENCES step (run_id, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE conversation_message (
    run_id TEXT NOT NULL REFERENCES run (id),
    step INTEGER NOT NULL,
    position INTEGER NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (run_id, step, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
    run_id TEXT NOT NULL,
    step INTEGER NOT NULL,
    bead_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    model_asked TEXT,
    model_given TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL,
    completion_tokens INTEGER NOT NULL,
    cost_micro_usd INTEGER NOT NULL,
    is_estimated INTEGER NOT NULL,
    latency_ms INTEGER NOT NULL,
    day TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    -- Invariant I7: a step is paid once.
    PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

-- Serves what a bead cost, and what a project or day cost.
CREATE INDEX usage_of_bead ON usage (bead_id);
CREATE INDEX usage_of_project ON usage (project_id, day);

CREATE TABLE budget (
    scope TEXT NOT NULL CHECK (scope IN ('bead', 'project', 'day')),
    subject TEXT NOT NULL,
    reserved_micro_usd INTEGER NOT NULL DEFAULT 0 CHECK (reserved_micro_usd >= 0),
    spent_micro_usd INTEGER NOT NULL DEFAULT 0 CHECK (spent_micro_usd >= 0),
    PRIMARY KEY (scope, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE timer (
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (kind, subject)
) STRICT, WITHOUT ROWID;

-- Serves the tick: which timers are due.
CREATE INDEX timer_due ON timer (due_at);

-- The sequence is dense: it is the rowid, only ever appended to, inside the transaction of the change it tells of.
CREATE TABLE event (
    sequence INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    project_id TEXT,
    bead_id TEXT,
    run_id TEXT,
    agent_id TEXT,
    data TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Serves the history of a project, and of a bead.
CREATE INDEX event_of_project ON event (project_id, sequence) WHERE project_id IS NOT NULL;
CREATE INDEX event_of_bead ON event (bead_id, sequence) WHERE bead_id IS NOT NULL;

CREATE TABLE decision (
    id TEXT PRIMARY KEY,
    bead_id TEXT NOT NULL REFERENCES bead (id),
    project_id TEXT NOT NULL REFERENCES project (id),
    kind TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    question TEXT NOT NULL,
    options TEXT NOT NULL,
    recommendation TEXT,
    context TEXT NOT NULL,
    requester TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'decided')),
    decision TEXT,
    decider TEXT,
    rationale TEXT,
    created_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    decided_at INTEGER
) STRICT;

-- Invariant I10: one open decision about one thing, whatever the number of ticks.
CREATE UNIQUE INDEX decision_open ON decision (fingerprint) WHERE status = 'open';

-- Serves the decisions about a bead.
CREATE INDEX decision_of_bead ON decision (bead_id);

CREATE TABLE comment (
    id TEXT PRIMARY KEY,
    bead_id TEXT NOT NULL REFERENCES bead (id),
    author TEXT NOT NULL,
    content TEXT NOT NULL,
    run_id TEXT,
    step INTEGER,
    position INTEGER,
    created_at INTEGER NOT NULL
) STRICT;

-- Invariant I7: a comment action writes one comment.
CREATE UNIQUE INDEX comment_of_action ON comment (run_id, step, position) WHERE run_id IS NOT NULL;

-- Serves the comments of a bead.
CREATE INDEX comment_of_bead ON comment (bead_id, created_at);

CREATE TABLE message (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    to_role TEXT NOT NULL,
    from_agent TEXT NOT NULL,
    bead_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    read_by_run TEXT
) STRICT;

-- Serves the prompt: unread messages for a role.
CREATE INDEX message_unread ON message (project_id, to_role, created_at) WHERE read_by_run IS NULL;

CREATE TABLE lesson (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES project (id),
    category TEXT NOT NULL,
    title TEXT NOT NULL,
    detail TEXT NOT NULL,
    bead_id TEXT,
    run_id TEXT,
    embedding BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- Serves the prompt: the newest lessons of a project are ranked.
CREATE INDEX lesson_of_project ON lesson (project_id, created_at);
