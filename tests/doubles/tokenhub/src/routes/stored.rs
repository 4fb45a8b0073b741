//! Answers that are stored under an idempotency key.

use super::outgoing::{Delivery, Outgoing};
use crate::idempotency::Stored;
use crate::state::State;

/// Stores an answer under its idempotency key. Failures of the server are not stored, nor are streams.
pub(super) fn keep(state: &State, scoped: Option<&str>, outgoing: &Outgoing) {
    let now_ms = state.now_ms();
    if let (Some(scoped), Delivery::Whole(body), true) =
        (scoped, &outgoing.delivery, outgoing.status < 500)
    {
        let stored = Stored {
            status: outgoing.status,
            headers: outgoing.headers.clone(),
            body: body.clone(),
        };
        state.lock().store.set(scoped.to_owned(), stored, now_ms);
    }
}
