-- Where a run works in a repository on GitHub. There is no clone: what it committed is there, and what it has changed
-- since is in github_overlay. The row outlives the run, because it keeps the run's fence and its branch's name.
CREATE TABLE github_space (
    run_id TEXT PRIMARY KEY,
    -- The highest fence seen (invariant I2).
    fence INTEGER NOT NULL,
    -- <owner>/<name> in lower case. NULL, like what follows, until the working copy is opened.
    repository TEXT,
    branch TEXT,
    -- Where the branch left the base branch.
    base_commit TEXT,
    -- The commit that the changes belong on top of.
    head TEXT,
    -- When the run itself last made a commit, in milliseconds since the epoch. NULL: never.
    committed_at INTEGER,
    -- Whether the branch was made on GitHub, which happens with the first commit.
    is_published INTEGER NOT NULL DEFAULT 0 CHECK (is_published IN (0, 1)),
    -- The tree that the overlay lies on: that of the head, or of what is being merged.
    tree TEXT,
    -- The commit of the base branch that is being merged into the branch, from a conflict until the next commit.
    merging TEXT,
    -- The files in which conflicts were left, as a JSON array.
    conflicts TEXT NOT NULL DEFAULT '[]',
    -- The number of the branch's pull request, once it is known.
    pull INTEGER,
    -- The commit for which a workflow was last started, and when, in milliseconds since the epoch.
    dispatched TEXT,
    dispatched_at INTEGER
) STRICT;

-- Serves the naming of a branch: has another run been given this one? A run that goes on with the branch of an earlier
-- run of its bead shares it.
CREATE INDEX github_space_by_branch ON github_space (repository, branch) WHERE branch IS NOT NULL;

-- A file that a run has changed and not committed yet. Its key serves reads of one file and of all that a run changed.
CREATE TABLE github_overlay (
    run_id TEXT NOT NULL REFERENCES github_space (run_id),
    path TEXT NOT NULL,
    -- 100644, 100755, 120000 or 160000, as in a git tree.
    mode TEXT NOT NULL,
    -- The content, or
    content BLOB,
    -- the blob that is the content. Neither: the file is deleted.
    blob TEXT,
    -- The blob in the tree below. NULL: there is none, so the file is new.
    base_blob TEXT,
    PRIMARY KEY (run_id, path),
    CHECK (content IS NULL OR blob IS NULL)
) STRICT;

-- Every call that may have changed something (invariant I7): a repeated key is answered with what is recorded.
CREATE TABLE github_call (
    run_id TEXT NOT NULL REFERENCES github_space (run_id),
    key TEXT NOT NULL,
    -- The SHA-256 of the operation, because a key stands for one operation only.
    operation TEXT NOT NULL,
    -- When it was first asked for, in milliseconds since the epoch. A commit that is made again has the same date.
    begun_at INTEGER NOT NULL,
    -- How far it has come, as JSON: what a repeated call goes on with.
    plan TEXT,
    -- Its outcome or refusal, as JSON.
    answer TEXT,
    PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;
