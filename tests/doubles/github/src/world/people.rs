use serde::{Deserialize, Serialize};

use crate::time;

/// What somebody may do with a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Nothing.
    None,
    /// See it, file issues and comment.
    Read,
    /// Label and close issues too.
    Triage,
    /// Push and merge too.
    Write,
    /// Settings too.
    Maintain,
    /// Everything.
    Admin,
}

impl Permission {
    /// The role's name, as in `triage`.
    pub(crate) fn role(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }

    /// The old name that covers it: there only were `read`, `write` and `admin`.
    pub(crate) fn legacy(self) -> &'static str {
        match self {
            Self::Triage => "read",
            Self::Maintain => "write",
            other => other.role(),
        }
    }
}

/// What an account is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum UserKind {
    Person,
    Bot,
    Organization,
}

/// An account.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: u64,
    pub(crate) login: String,
    pub(crate) kind: UserKind,
    pub(crate) created_at: String,
}

impl User {
    pub(crate) fn new(id: u64, login: &str, kind: UserKind, now: i64) -> Self {
        Self {
            id,
            login: login.to_owned(),
            kind,
            created_at: time::rfc3339(now),
        }
    }

    /// The name in commits.
    pub(crate) fn name(&self) -> String {
        self.login.clone()
    }

    /// The address in commits.
    pub(crate) fn email(&self) -> String {
        format!("{}+{}@users.noreply.github.com", self.id, self.login)
    }
}

/// What a token stands for.
#[derive(Debug, Clone)]
pub(crate) struct Token {
    /// Who acts with it.
    pub(crate) login: String,
    /// Of an installation, the account whose repositories it opens.
    pub(crate) account: Option<String>,
    /// When it stops to work, in seconds since the epoch.
    pub(crate) expires: Option<i64>,
    /// What was made read-only when the token was asked for, or everything.
    pub(crate) read_only: bool,
}

/// Who a request is from.
#[derive(Debug, Clone)]
pub(crate) struct Actor {
    /// The login; empty for nobody.
    pub(crate) login: String,
    /// The account of the installation, if it is one.
    pub(crate) account: Option<String>,
    /// Whether it is the App itself, with a JWT.
    pub(crate) app: bool,
    pub(crate) read_only: bool,
}

impl Actor {
    /// A person.
    pub(crate) fn person(login: &str) -> Self {
        Self {
            login: login.to_owned(),
            account: None,
            app: false,
            read_only: false,
        }
    }

    /// Nobody.
    pub(crate) fn nobody() -> Self {
        Self::person("")
    }
}
