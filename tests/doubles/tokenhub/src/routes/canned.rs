//! The answers to calls that never reach a provider.

use super::call::Call;
use super::outgoing::{Outgoing, address_limited, budget_exceeded, key_limited, not_found};
use super::stored::keep;
use crate::answer::Misbehaviour;

impl Call<'_> {
    /// The answer to a call that never reaches a provider.
    pub(super) fn canned(&self, kind: &Misbehaviour) -> Option<Outgoing> {
        let stored = |outgoing: Outgoing| {
            keep(self.state, self.scoped.as_deref(), &outgoing);
            outgoing
        };
        Some(match kind {
            Misbehaviour::KeyMissing => Outgoing::text(401, "authorization required"),
            Misbehaviour::KeyMalformed => Outgoing::text(401, "invalid api key format"),
            Misbehaviour::KeyRejected => Outgoing::text(401, "invalid api key"),
            Misbehaviour::ScopeMissing => Outgoing::text(403, "insufficient scope"),
            Misbehaviour::BudgetExceeded => budget_exceeded(0.00001, 0.00003),
            Misbehaviour::KeyRateLimited => key_limited(),
            Misbehaviour::AddressRateLimited => address_limited(),
            Misbehaviour::RequestInvalid => stored(self.error(400, "invalid JSON: unexpected EOF")),
            Misbehaviour::RequestTooLarge => {
                self.error(400, "invalid JSON: http: request body too large").header("Connection", "close")
            }
            Misbehaviour::AllProvidersFailed => {
                self.all_failed(429, r#"{"error":{"message":"Rate limit reached for key sk-upstream-secret"}}"#)
            }
            Misbehaviour::NoEligibleModels => self.error(502, "no eligible models registered"),
            Misbehaviour::BadGateway => {
                self.error(502, "request failed: Post \"http://upstream/v1/chat/completions\": context deadline exceeded")
            }
            Misbehaviour::ServerPanicked => Outgoing::empty(500),
            Misbehaviour::EndpointNotFound => not_found(),
            Misbehaviour::MethodNotAllowed => Outgoing::empty(405).header("Allow", "GET"),
            Misbehaviour::Status { status, body, content_type, headers } => {
                let mut outgoing = Outgoing::new(*status, content_type, body.clone());
                outgoing.headers.extend(headers.iter().cloned());
                outgoing
            }
            Misbehaviour::Close => Outgoing::closed(),
            Misbehaviour::Unreadable => {
                Outgoing::new(200, "text/html", "<!doctype html><title>Welcome</title><p>It works!</p>\n")
            }
            Misbehaviour::Hang
            | Misbehaviour::ReplyLost
            | Misbehaviour::ReplyCut
            | Misbehaviour::CutStream { .. }
            | Misbehaviour::AbortStream { .. }
            | Misbehaviour::ErrorInStream { .. }
            | Misbehaviour::NotModelOutput
            | Misbehaviour::NoChoices
            | Misbehaviour::HugeReply { .. }
            | Misbehaviour::Substitute { .. } => return None,
        })
    }

    /// All providers failed, the last one with this status and body. Only a stream says so.
    pub(super) fn all_failed(&self, status: u16, body: &str) -> Outgoing {
        if self.decoded.stream {
            let reason =
                format!("all providers failed for streaming: API error (status {status}): {body}");
            self.error(502, &reason)
        } else {
            self.error(502, "all providers failed")
        }
    }
}
