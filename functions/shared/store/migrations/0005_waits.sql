-- What waiting runs wait for. A row lives while its run waits and the bead is not closed or the decision is open.
CREATE TABLE run_wait (
    run_id TEXT NOT NULL REFERENCES run (id),
    kind TEXT NOT NULL CHECK (kind IN ('bead', 'decision')),
    subject TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, kind, subject)
) STRICT, WITHOUT ROWID;

-- Serves the closing of a bead and the answer to a decision: which runs waited for it?
CREATE INDEX run_wait_for ON run_wait (kind, subject);

-- Since when nothing is in the way of a waiting run but room and its agent.
ALTER TABLE run ADD COLUMN resumable_at INTEGER;

-- Serves the tick: waiting runs that can go on, first answered first.
CREATE INDEX run_resumable ON run (resumable_at, id) WHERE status = 'waiting' AND resumable_at IS NOT NULL;

-- Serves the prompt: the messages that a run has read already stay in it.
CREATE INDEX message_read ON message (read_by_run, created_at) WHERE read_by_run IS NOT NULL;
