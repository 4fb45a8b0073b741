//! What the model is told, and how much of it.
//!
//! [`assemble`] makes the messages of one call: the [`system`] message (who it is and how it works; the same for every
//! bead of a persona and project, so that an upstream's prompt cache keeps hitting), the [`task`], what was said since,
//! as much of it as the model's window allows, and the [`progress`] at the end. Everything has a limit, and every text
//! that people, files or programs wrote is fenced ([`Fence`]).

mod assemble;
mod context;
pub(crate) mod cut;
mod feedback;
mod fence;
mod progress;
mod suggestions;
mod summary;
mod system;
mod task;
mod tokens;

pub use assemble::{MIN_MESSAGE_BYTES, assemble, usable_tokens};
pub use context::{
    Attempt, BeadFacts, CommentFacts, PersonaFacts, ProjectFacts, PromptContext, Remaining,
    StageFacts,
};
pub use feedback::{
    COMMAND_LIMIT, FILE_LIMIT, OUTPUT_LIMIT, format_result, not_tried, result_messages,
};
pub use fence::Fence;
pub use progress::{CheckState, Progress, progress};
pub use summary::{SUMMARY_LIMIT, failing_output, summary};
pub use system::system;
pub use task::task;
pub use tokens::{estimate, message_tokens, tools_tokens};

#[cfg(test)]
mod tests;
