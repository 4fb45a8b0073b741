//! GitHub, as far as Loom's rules know it: which repository a project lives in and how Loom works with it.

mod repository;
mod settings;

pub use repository::{PUBLIC_API, Repository, key_of, web_host};
pub use settings::{Checks, GithubSettings, LabelMeaning, MergeMethod};
