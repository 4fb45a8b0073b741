-- Definitions of workflows. Every version that ever was current stays, so that old histories replay.
CREATE TABLE workflow (
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    -- NULL: for every project.
    project_id TEXT REFERENCES project (id),
    workflow_type TEXT NOT NULL,
    is_shipped INTEGER NOT NULL,
    is_current INTEGER NOT NULL,
    definition TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (id, version)
) STRICT, WITHOUT ROWID;

-- One version of a workflow is current. Serves the list of workflows, and the start by name.
CREATE UNIQUE INDEX workflow_current ON workflow (id) WHERE is_current = 1;

-- Which beads the current definitions are for. Serves the filing of a bead: one seek for its type and one a tag.
CREATE TABLE workflow_match (
    kind TEXT NOT NULL CHECK (kind IN ('type', 'tag')),
    word TEXT NOT NULL,
    workflow_id TEXT NOT NULL,
    project_id TEXT,
    PRIMARY KEY (kind, word, workflow_id)
) STRICT, WITHOUT ROWID;

-- What Loom ships in the database, by the hash of what was put there last.
CREATE TABLE seed (
    name TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Executions: the state that their histories add up to.
CREATE TABLE workflow_execution (
    id TEXT PRIMARY KEY,
    workflow_id TEXT NOT NULL,
    workflow_version INTEGER NOT NULL,
    workflow_type TEXT NOT NULL,
    bead_id TEXT NOT NULL REFERENCES bead (id),
    project_id TEXT NOT NULL REFERENCES project (id),
    version INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'escalated', 'completed', 'failed', 'cancelled')),
    node TEXT NOT NULL,
    cycle_count INTEGER NOT NULL,
    state TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    FOREIGN KEY (workflow_id, workflow_version) REFERENCES workflow (id, version)
) STRICT;

-- One live execution a bead.
CREATE UNIQUE INDEX workflow_execution_live ON workflow_execution (bead_id) WHERE status IN ('active', 'escalated');

-- Serves the executions of a bead, newest first.
CREATE INDEX workflow_execution_of_bead ON workflow_execution (bead_id, started_at);

-- Serves the list of executions, newest first, and the analytics over the newest.
CREATE INDEX workflow_execution_by_start ON workflow_execution (started_at, id);

-- The append-only history of an execution. Its version is the optimistic lock: a second writer of the same one fails.
CREATE TABLE workflow_history (
    execution_id TEXT NOT NULL REFERENCES workflow_execution (id),
    version INTEGER NOT NULL,
    record TEXT NOT NULL,
    actor TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (execution_id, version)
) STRICT, WITHOUT ROWID;

-- The live execution of a bead, and the agent that may not take it because its own work is to be judged.
ALTER TABLE bead ADD COLUMN execution_id TEXT REFERENCES workflow_execution (id);
ALTER TABLE bead ADD COLUMN author_agent TEXT;

-- Decisions again, with what they lacked: a decision need not be about a bead, it may be the decision-maker's, it may
-- have a default, it expires, and it belongs to a node of a workflow or to a waiting run.
CREATE TABLE decision_next (
    id TEXT PRIMARY KEY,
    bead_id TEXT REFERENCES bead (id),
    project_id TEXT REFERENCES project (id),
    kind TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 2 CHECK (priority BETWEEN 0 AND 3),
    fingerprint TEXT NOT NULL,
    question TEXT NOT NULL,
    options TEXT NOT NULL,
    recommendation TEXT,
    context TEXT NOT NULL,
    requester TEXT NOT NULL,
    -- Who is to answer: a person, or an agent of the role decision-maker.
    assignee TEXT NOT NULL DEFAULT 'human' CHECK (assignee IN ('human', 'decision-maker')),
    -- The answer that holds when the deadline passes; without one the question is escalated.
    default_answer TEXT,
    -- The agent that goes on when more information is wanted.
    returned_to TEXT,
    execution_id TEXT REFERENCES workflow_execution (id),
    node TEXT,
    -- The bead on which the decision-maker works.
    decider_bead TEXT,
    -- How often it was escalated.
    escalations INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL CHECK (status IN ('open', 'decided', 'expired')),
    decision TEXT,
    decider TEXT,
    rationale TEXT,
    version INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    decided_at INTEGER,
    CHECK ((status = 'open') = (decided_at IS NULL))
) STRICT;

INSERT INTO decision_next (id, bead_id, project_id, kind, fingerprint, question, options, recommendation, context,
    requester, status, decision, decider, rationale, created_at, deadline_at, decided_at)
SELECT id, bead_id, project_id, kind, fingerprint, question, options, recommendation, context,
    requester, status, decision, decider, rationale, created_at, deadline_at, decided_at
FROM decision;

DROP TABLE decision;

ALTER TABLE decision_next RENAME TO decision;

-- Invariant I10: one open decision about one thing, whatever the number of ticks.
CREATE UNIQUE INDEX decision_open ON decision (fingerprint) WHERE status = 'open';

-- Serves the decisions about a bead.
CREATE INDEX decision_of_bead ON decision (bead_id);

-- Serves the decisions about a project, and its deletion.
CREATE INDEX decision_of_project ON decision (project_id);

-- Serves the inbox: what is open, urgent and old first.
CREATE INDEX decision_inbox ON decision (priority, created_at, id) WHERE status = 'open';

-- Serves the list of all decisions, newest first.
CREATE INDEX decision_by_creation ON decision (created_at, id);

-- Serves the work of the decision-maker: which question is its bead about?
CREATE INDEX decision_of_decider ON decision (decider_bead) WHERE decider_bead IS NOT NULL;

-- What a person granted beyond the cap: a decision about a used-up budget adds to it.
ALTER TABLE budget ADD COLUMN granted_micro_usd INTEGER NOT NULL DEFAULT 0 CHECK (granted_micro_usd >= 0);

-- A person granted nothing more, or did not answer: a project is not worked on until its budget is raised.
ALTER TABLE budget ADD COLUMN is_withheld INTEGER NOT NULL DEFAULT 0 CHECK (is_withheld IN (0, 1));
