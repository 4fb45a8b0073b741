-- Issues on GitHub, each as the newest delivery shows it. The bead of one is filed once, whatever the number of
-- deliveries and of those who handle them.
CREATE TABLE github_issue (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    -- A delivery asked for a bead. It is filed then, or as soon as the caps allow it.
    wants_bead INTEGER NOT NULL DEFAULT 0,
    bead_id TEXT REFERENCES bead (id),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, number)
) STRICT;

-- Serves the way from a bead to its issue.
CREATE UNIQUE INDEX github_issue_of_bead ON github_issue (bead_id) WHERE bead_id IS NOT NULL;

-- Serves the sweep: issues whose beads a cap has kept from being filed.
CREATE INDEX github_issue_unfiled ON github_issue (created_at) WHERE wants_bead = 1 AND bead_id IS NULL;

-- Pull requests on GitHub, each as the newest delivery shows it, or as Loom itself has opened it.
CREATE TABLE github_pull_request (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    state TEXT NOT NULL,
    head_branch TEXT NOT NULL,
    head_sha TEXT NOT NULL,
    is_open INTEGER NOT NULL,
    -- The bead whose agent made the branch.
    owner_bead TEXT REFERENCES bead (id),
    -- The bead on which a code reviewer works, and the commit that it was last opened for.
    wants_review INTEGER NOT NULL DEFAULT 0,
    review_bead TEXT REFERENCES bead (id),
    reviewed_sha TEXT,
    -- Who has approved the head, so that it is to be merged; and when that is tried, or tried again.
    merge_wanted_by TEXT,
    merge_not_before INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, number),
    CHECK (owner_bead IS NULL OR review_bead IS NULL)
) STRICT;

-- Serves the way from a bead to the pull request of its branch, newest first.
CREATE INDEX github_pull_request_of_owner ON github_pull_request (owner_bead, number) WHERE owner_bead IS NOT NULL;

-- Serves the sweep: what is to be merged.
CREATE INDEX github_pull_request_merge ON github_pull_request (merge_not_before)
    WHERE merge_wanted_by IS NOT NULL AND is_open = 1;

-- Serves the way from a review to its pull request.
CREATE UNIQUE INDEX github_pull_request_of_review ON github_pull_request (review_bead) WHERE review_bead IS NOT NULL;

-- Serves the sweep: pull requests whose reviews a cap has kept from being filed.
CREATE INDEX github_pull_request_unfiled ON github_pull_request (created_at)
    WHERE wants_review = 1 AND review_bead IS NULL;

-- Comments and reviews of people that were taken in, so that each is once. One on an issue that has no bead yet waits
-- here with its text.
CREATE TABLE github_comment (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    source TEXT NOT NULL CHECK (source IN ('issue', 'line', 'review')),
    id INTEGER NOT NULL,
    number INTEGER NOT NULL,
    author TEXT NOT NULL,
    waiting TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, source, id)
) STRICT;

-- Serves the filing of a bead: what was said before.
CREATE INDEX github_comment_waiting ON github_comment (project_id, number, id) WHERE waiting IS NOT NULL;

-- How the base branch's own checks last ended, by their name.
CREATE TABLE github_build (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    branch TEXT NOT NULL,
    passed INTEGER NOT NULL,
    sha TEXT NOT NULL,
    ended_at INTEGER NOT NULL,
    bead_id TEXT REFERENCES bead (id),
    PRIMARY KEY (project_id, name, branch)
) STRICT;

-- What events have told already, each once.
CREATE TABLE github_told (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    key TEXT NOT NULL,
    PRIMARY KEY (project_id, key)
) STRICT, WITHOUT ROWID;

-- Status comments: one an issue or pull request, edited and never written anew. It is due while there were more changes
-- than were reported.
CREATE TABLE github_report (
    project_id TEXT NOT NULL REFERENCES project (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    bead_id TEXT REFERENCES bead (id),
    -- Answers to the last commands, as JSON.
    notices TEXT NOT NULL DEFAULT '[]',
    comment_id INTEGER,
    text_sha256 TEXT,
    changes INTEGER NOT NULL DEFAULT 1,
    reported_changes INTEGER NOT NULL DEFAULT 0,
    -- Somebody writes it now, or GitHub asked for patience.
    not_before INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, number)
) STRICT;

-- Serves the reporter: what is due.
CREATE INDEX github_report_due ON github_report (not_before) WHERE changes > reported_changes;

-- Serves the trigger below.
CREATE INDEX github_report_of_bead ON github_report (bead_id) WHERE bead_id IS NOT NULL;

-- Whatever changes a bead makes its status comment due, so that no writer can forget it.
CREATE TRIGGER github_report_bead AFTER UPDATE OF version ON bead BEGIN UPDATE github_report SET changes = changes + 1 WHERE bead_id = NEW.id; END;

-- Serves the search for a bead by its fingerprint among closed ones too: what is filed for an issue is filed once.
CREATE INDEX bead_by_fingerprint ON bead (fingerprint, created_at) WHERE fingerprint IS NOT NULL;

