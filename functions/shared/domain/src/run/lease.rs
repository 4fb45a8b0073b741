/// How often a run may be put back in the queue without a step of progress in between.
pub const MAX_RESTARTS: i64 = 20;

/// What becomes of a run whose lease expired: its holder is taken to be dead (invariant I3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// It is put back in the queue; what is journalled is replayed.
    Requeue,
    /// It dies again and again at the same place, so it fails.
    Fail,
}

/// Decides on a run that was put back `restarts` times since it last made progress.
pub fn on_expiry(restarts: i64) -> Expiry {
    if restarts < MAX_RESTARTS {
        Expiry::Requeue
    } else {
        Expiry::Fail
    }
}
