//! The client of GitHub's REST API (and GitHub Enterprise Server's).
//!
//! [`GitHub::load`] reads from the function's variables where GitHub is and who Loom is there; a [`Repository`] has the
//! calls. They are typed, with the fields that Loom uses; what else GitHub sends is ignored.
//!
//! - **Access**: a GitHub App (a token for each installation, kept in memory until five minutes before it expires) or a
//!   plain token. Secrets come from variables and go nowhere but into the `Authorization` header of requests to the one
//!   configured host.
//! - **Limits**: every call has a time limit, every list a largest number of pages, every answer a largest size. The
//!   client never sleeps: both of GitHub's rate limits are [`GithubError::RateLimited`] with the time to go on.
//! - **Repetition**: each method says what happens when it is called twice, or when its answer is lost. What creates
//!   something looks for it first; what is content-addressed or sets a value is sent again; nothing else is.
//! - **Caching**: what is asked often is asked conditionally (`ETag`), and objects that cannot change are kept.

mod actions;
mod actor;
mod answer;
mod auth;
mod cache;
mod call;
mod checks;
mod client;
mod comments;
mod config;
mod deliveries;
mod error;
mod exchange;
mod git;
mod issues;
mod job_log;
pub mod marker;
mod merge;
mod pages;
mod people;
mod protection;
mod pulls;
mod rate_limit;
mod repository;
mod reviews;
mod secret;
mod send;
mod standing;

pub use actions::{Dispatch, Dispatched, Job, JobStep, WorkflowRun};
pub use actor::{Actor, ActorKind};
pub use checks::{
    Annotation, CheckOutput, CheckRun, CheckStatus, CombinedStatus, CommitStatus, Conclusion,
    StatusState,
};
pub use client::GitHub;
pub use comments::{Comment, Upsert};
pub use deliveries::{Delivery, DeliveryPage, Hook};
pub use error::{FieldError, GithubError, RateScope};
pub use git::{
    ChangedFile, Commit, Comparison, ComparisonStatus, FileStatus, GitRef, LARGEST_BLOB, Mode,
    NewCommit, NewEntry, Person, Tree, TreeEntry,
};
pub use issues::{Issue, IssueChange, NewIssue, StateReason};
pub use job_log::{JobLog, LogSource};
pub use loom_domain::github::MergeMethod;
pub use merge::{Merge, Merged};
pub use pages::Listed;
pub use people::Permission;
pub use protection::Protection;
pub use pulls::{NewPull, PullChange, PullRequest, PullSide, State};
pub use repository::{Permissions, Repository, RepositoryInfo};
pub use reviews::{LineComment, NewReview, Review, ReviewComment, ReviewEvent, ReviewState, Side};
pub use standing::{CheckEnd, CommitChecks};
