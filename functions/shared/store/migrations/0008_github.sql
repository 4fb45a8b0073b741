-- How Loom works with a project's repository on GitHub, as JSON.
ALTER TABLE project ADD COLUMN github TEXT;

-- The branch that a project's beads are kept in as files.
ALTER TABLE project ADD COLUMN bead_sync_branch TEXT;

-- The lower-case <owner>/<name> of a repository on GitHub.
ALTER TABLE project ADD COLUMN repository_key TEXT;

-- Serves a webhook: whose is this repository? It is one project's only, so that an issue files one bead.
CREATE UNIQUE INDEX project_by_repository ON project (repository_key) WHERE repository_key IS NOT NULL;

-- A run may wait for the checks of a commit as well: the subject is <project>@<commit>.
CREATE TABLE run_wait_new (
    run_id TEXT NOT NULL REFERENCES run (id),
    kind TEXT NOT NULL CHECK (kind IN ('bead', 'decision', 'checks')),
    subject TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, kind, subject)
) STRICT, WITHOUT ROWID;

INSERT INTO run_wait_new (run_id, kind, subject, created_at) SELECT run_id, kind, subject, created_at FROM run_wait;

DROP TABLE run_wait;

ALTER TABLE run_wait_new RENAME TO run_wait;

-- Serves the closing of a bead, the answer to a decision, the end of checks: which runs waited for it?
CREATE INDEX run_wait_for ON run_wait (kind, subject);

-- Checks of which a run has not been told yet how they ended. It waits while there is also a row in run_wait, and looks
-- again when that is gone.
CREATE TABLE run_check (
    run_id TEXT NOT NULL REFERENCES run (id),
    commit_id TEXT NOT NULL,
    looks INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, commit_id)
) STRICT, WITHOUT ROWID;
