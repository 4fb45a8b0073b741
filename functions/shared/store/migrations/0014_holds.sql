-- Why a bead is blocked, where that is a person's word: decision:<id> or person:<name>. Its status alone does not say
-- so, and what its workflow waits for may be over before that person has spoken again. A held bead is never open.
ALTER TABLE bead ADD COLUMN held_by TEXT CHECK (held_by IS NULL OR status <> 'open');

-- What was blocked before by the last question about it: one that has expired, or one about something dangerous that is
-- open or needs more information.
UPDATE bead SET held_by = 'decision:' || last.id
FROM (SELECT id, bead_id, kind, status, decision, ROW_NUMBER() OVER (PARTITION BY bead_id ORDER BY created_at DESC, id DESC) AS place
    FROM decision WHERE bead_id IS NOT NULL) AS last
WHERE last.bead_id = bead.id AND last.place = 1 AND bead.status = 'blocked'
    AND (last.status = 'expired' AND last.kind IN ('attempts_exhausted', 'escalation', 'high_risk', 'provider')
    OR last.kind = 'high_risk' AND (last.status = 'open' OR last.decision = 'needs_more_info'));
