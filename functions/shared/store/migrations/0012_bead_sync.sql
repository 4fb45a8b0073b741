-- Where the sync of a project's beads with its repository stands. One syncer at a time: whoever takes the lease gets a
-- new fence, and every write that follows carries it.
CREATE TABLE bead_sync (
    project_id TEXT PRIMARY KEY,
    fence INTEGER NOT NULL DEFAULT 0,
    lease_until INTEGER NOT NULL DEFAULT 0,
    -- What was synced with last. Another repository or branch has nothing in common with it.
    repository TEXT,
    branch TEXT,
    head TEXT,
    -- The content of issues.jsonl as it was last written or read.
    issues_blob TEXT,
    started_at INTEGER,
    ended_at INTEGER,
    -- How the last round ended, as JSON.
    report TEXT
) STRICT, WITHOUT ROWID;

-- What the repository has of each bead: the base of the next merge.
CREATE TABLE bead_sync_file (
    bead_id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    path TEXT NOT NULL,
    -- The id of the file's content, when it was read or written.
    blob TEXT,
    -- The bead as both sides had it, as JSON. None before its first commit.
    base TEXT,
    -- The bead as it is being committed, and by which commit. An empty text is a file that is being removed.
    pending TEXT,
    pending_commit TEXT,
    -- The bead here as base or pending has it.
    bead_version INTEGER NOT NULL,
    comments INTEGER NOT NULL,
    deleted_at INTEGER
) STRICT, WITHOUT ROWID;

-- Serves a round: which files does a project have? And its end: which beads did the commit write?
CREATE INDEX bead_sync_file_by_path ON bead_sync_file (project_id, path);

-- Two values of one field that met. The one that was kept is in the bead.
CREATE TABLE bead_sync_conflict (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    bead_id TEXT NOT NULL,
    field TEXT NOT NULL,
    base TEXT NOT NULL,
    ours TEXT NOT NULL,
    theirs TEXT NOT NULL,
    kept TEXT NOT NULL CHECK (kept IN ('ours', 'theirs')),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Serves the state of a project's sync: its latest conflicts.
CREATE INDEX bead_sync_conflict_of_project ON bead_sync_conflict (project_id, created_at, id);

-- What of the repository could not be read or applied in the last round.
CREATE TABLE bead_sync_problem (
    project_id TEXT NOT NULL,
    path TEXT NOT NULL,
    line INTEGER NOT NULL,
    code TEXT NOT NULL,
    bead_id TEXT,
    message TEXT NOT NULL,
    -- The content that has the problem: the event of it is recorded once.
    blob TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, path, line, code)
) STRICT, WITHOUT ROWID;

-- After a change of a bead of a synced project, a round is due when there has been no other for half a minute.
-- In the database, so that whoever changes a bead need not know of it.
CREATE TRIGGER bead_sync_settles AFTER INSERT ON event
WHEN NEW.bead_id IS NOT NULL AND NEW.actor <> 'bead-sync' AND NEW.kind IN ('bead.created', 'bead.updated', 'bead.status_change', 'bead.deleted', 'comment.created')
BEGIN
    INSERT INTO timer (kind, subject, due_at) SELECT 'bead_sync', id, NEW.created_at + 30000 FROM project WHERE id = NEW.project_id AND bead_sync_branch IS NOT NULL ON CONFLICT (kind, subject) DO UPDATE SET due_at = excluded.due_at; END;
