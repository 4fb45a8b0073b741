use std::fmt;

use super::Call;
use crate::conversation::{Message, Speaker};

/// What kept a reply from being carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplyErrorKind {
    /// There is JSON, and it can't be read.
    Unparseable,
    /// Every action is invalid.
    Invalid,
    /// There is only prose, or nothing.
    NoAction,
    /// Every action is one that the persona may not use.
    NotAllowed,
}

impl ReplyErrorKind {
    /// Stable code for events and the run's log.
    pub fn code(self) -> &'static str {
        match self {
            Self::Unparseable => "unparseable_reply",
            Self::Invalid => "invalid_actions",
            Self::NoAction => "no_action",
            Self::NotAllowed => "actions_not_allowed",
        }
    }
}

/// A reply without a single action that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplyError {
    /// What kept it.
    pub kind: ReplyErrorKind,
    /// Whether the model was cut off at its output limit.
    pub cut_off: bool,
    /// The calls, each with its own error; empty when none was recognised.
    pub calls: Vec<Call>,
}

impl ReplyError {
    pub(super) fn new(kind: ReplyErrorKind, cut_off: bool, calls: Vec<Call>) -> Self {
        Self {
            kind,
            cut_off,
            calls,
        }
    }

    /// What to tell the model, as text.
    pub fn feedback(&self) -> String {
        let mut text = match self.kind {
            ReplyErrorKind::Unparseable => {
                "Your reply has JSON that can't be read to its end. Send exactly one complete JSON object, such as \
                 {\"action\":\"read_file\",\"path\":\"src/lib.rs\"}; escape quotes as \\\" and line breaks as \\n inside \
                 strings."
                    .to_owned()
            }
            ReplyErrorKind::NoAction => {
                "Your reply asks for no action. Nobody reads prose here and nobody will answer: do the next thing \
                 yourself with one of the actions. If the work is finished and committed, use done; if only a person \
                 can decide, use escalate."
                    .to_owned()
            }
            ReplyErrorKind::Invalid | ReplyErrorKind::NotAllowed => {
                let mut text = String::from("Nothing of your reply was carried out.");
                for error in self.calls.iter().filter_map(|call| call.action.as_ref().err()) {
                    text.push_str("\n- ");
                    text.push_str(&error.to_string());
                }
                text
            }
        };
        if self.cut_off {
            text.push(' ');
            text.push_str(CUT_OFF);
        }
        text
    }

    /// The messages that answer the reply: one for each tool call (an unanswered call makes the conversation invalid
    /// upstream), else one from the user.
    pub fn messages(&self) -> Vec<Message> {
        let answers: Vec<Message> = self
            .calls
            .iter()
            .filter_map(|call| {
                let error = call.action.as_ref().err()?;
                let mut text = format!("Not carried out. {error}");
                if self.cut_off {
                    text.push(' ');
                    text.push_str(CUT_OFF);
                }
                Some(Message::tool_result(call.call_id.clone()?, text))
            })
            .collect();
        if answers.is_empty() {
            vec![Message::text(Speaker::User, self.feedback())]
        } else {
            answers
        }
    }
}

const CUT_OFF: &str = "Your reply was cut off at the output limit: think less, and send one small action. Write a long \
                       file in parts: write_file with the first part, then edit_file to add the rest.";

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.feedback())
    }
}

impl std::error::Error for ReplyError {}
