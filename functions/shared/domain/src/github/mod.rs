//! GitHub, as far as Loom's rules know it: which repository a project lives in and how Loom works with it.

pub mod commands;
pub mod intent;
mod labels;
mod merge;
mod payload;
mod pull_request;
mod repository;
mod sender;
mod settings;
mod table;

pub use commands::{Command, HELP, NoCommand};
pub use labels::Meaning;
pub use merge::{ChecksStand, MergeFacts, MergeStep, Obstacle, PullFacts, Verdict, merge_step};
pub use pull_request::{PullRequestFacts, TITLE_LIMIT, pull_request_body, pull_request_title};
pub use repository::{PUBLIC_API, Repository, key_of, web_host};
pub use sender::{MARKER, Sender};
pub use settings::{Checks, GithubSettings, LabelMeaning, MergeMethod};
pub use table::{Does, Rule, TABLE, rule_for};
