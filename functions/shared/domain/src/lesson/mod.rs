//! Lessons: what a run learned that a later one should know.

mod embedding;
mod extract;
mod rank;

use serde::{Deserialize, Serialize};

pub use embedding::{DIMENSIONS, Embedding};
pub use extract::extract;
pub use rank::{CONSIDERED, Candidate, MAX_CHARACTERS, MAX_LESSONS, relevant};

/// What kind of experience a lesson comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LessonCategory {
    /// The build failed again and again.
    CompilerError,
    /// The tests failed again and again.
    TestFailure,
    /// Edits of one file were refused again and again.
    EditFailure,
    /// The agent went in circles.
    LoopPattern,
    /// The run as a whole went wrong: out of steps, unreadable replies.
    ConversationInsight,
    /// An agent wrote it down with `remember`.
    Note,
}

impl LessonCategory {
    /// Every category.
    pub const ALL: [Self; 6] = [
        Self::CompilerError,
        Self::TestFailure,
        Self::EditFailure,
        Self::LoopPattern,
        Self::ConversationInsight,
        Self::Note,
    ];

    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CompilerError => "compiler_error",
            Self::TestFailure => "test_failure",
            Self::EditFailure => "edit_failure",
            Self::LoopPattern => "loop_pattern",
            Self::ConversationInsight => "conversation_insight",
            Self::Note => "note",
        }
    }

    /// Reads the word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == word)
    }
}

/// A lesson. Its text comes from models and from the output of programs, so it is fenced in prompts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lesson {
    /// Where it comes from.
    pub category: LessonCategory,
    /// One line, at most 200 characters.
    pub title: String,
    /// When it applies and what to do then, at most 600 bytes when extracted.
    pub detail: String,
}

impl Lesson {
    /// Its place among all texts, for [`relevant`].
    pub fn embedding(&self) -> Embedding {
        Embedding::of(&format!("{} {}", self.title, self.detail))
    }
}
