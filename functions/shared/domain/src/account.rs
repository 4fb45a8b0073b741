//! Who may do what: the roles of accounts, the permissions, and the one table that joins them.
//!
//! A permission is declared beside each route and checked before the route's handler runs; nothing else decides.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The role of an account. (The role that an agent plays is another thing: see [`crate::role`].)
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything.
    Admin,
    /// Reads and writes the work; deletes nothing and administers nothing.
    User,
    /// Reads.
    Viewer,
    /// A machine: it ticks the dispatcher and reports heartbeats, and nothing else. No person can have it.
    Service,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 4] = [Self::Admin, Self::User, Self::Viewer, Self::Service];

    /// The role's word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::User => "user",
            Self::Viewer => "viewer",
            Self::Service => "service",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// What the role may do.
    pub fn permissions(self) -> Permissions {
        TABLE
            .iter()
            .filter(|(_, roles)| roles.contains(&self))
            .map(|(permission, _)| *permission)
            .collect()
    }
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $word:literal => [$($role:ident),*];)*) => {
        /// One thing that a caller may be allowed to do. Its word, such as `beads:read`, names it in JSON, in the
        /// scopes of API keys and in refusals.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Permission {
            $($(#[$doc])* $name,)*
        }

        impl Permission {
            /// All permissions.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The permission's word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }

        /// Which roles have which permission: the whole of it.
        pub const TABLE: &[(Permission, &[Role])] = &[$((Permission::$name, &[$(Role::$role),*]),)*];
    };
}

permissions! {
    /// Read beads, their comments, history, work graph and conversations; export them.
    BeadsRead = "beads:read" => [Admin, User, Viewer];
    /// File, change, claim, redispatch, escalate and import beads; comment on them.
    BeadsWrite = "beads:write" => [Admin, User];
    /// Delete beads.
    BeadsDelete = "beads:delete" => [Admin];
    /// Read projects and the files of their repositories.
    ProjectsRead = "projects:read" => [Admin, User, Viewer];
    /// Register, change, close and reopen projects.
    ProjectsWrite = "projects:write" => [Admin, User];
    /// Delete projects.
    ProjectsDelete = "projects:delete" => [Admin];
    /// Read agents, their runs and org charts.
    AgentsRead = "agents:read" => [Admin, User, Viewer];
    /// Create, change and clone agents; stop their runs.
    AgentsWrite = "agents:write" => [Admin, User];
    /// Delete agents.
    AgentsDelete = "agents:delete" => [Admin];
    /// Read personas.
    PersonasRead = "personas:read" => [Admin, User, Viewer];
    /// Override personas: this changes how agents behave.
    PersonasWrite = "personas:write" => [Admin, User];
    /// Read providers and their models. Never their keys: nobody reads those.
    ProvidersRead = "providers:read" => [Admin, User, Viewer];
    /// Register and change providers.
    ProvidersWrite = "providers:write" => [Admin, User];
    /// Delete providers.
    ProvidersDelete = "providers:delete" => [Admin];
    /// Probe the providers and record how they are.
    ProvidersHeartbeat = "providers:heartbeat" => [Admin, Service];
    /// Read decisions.
    DecisionsRead = "decisions:read" => [Admin, User, Viewer];
    /// Ask for decisions, and decide.
    DecisionsWrite = "decisions:write" => [Admin, User];
    /// Read workflows and their executions.
    WorkflowsRead = "workflows:read" => [Admin, User, Viewer];
    /// Define and start workflows.
    WorkflowsWrite = "workflows:write" => [Admin, User];
    /// Read motivations.
    MotivationsRead = "motivations:read" => [Admin, User, Viewer];
    /// Define, enable and disable motivations.
    MotivationsWrite = "motivations:write" => [Admin, User];
    /// Read and follow events, the activity feed and one's own notifications.
    EventsRead = "events:read" => [Admin, User, Viewer];
    /// Read usage and costs.
    AnalyticsRead = "analytics:read" => [Admin, User, Viewer];
    /// Talk to agents and models, which costs money.
    ChatUse = "chat:use" => [Admin, User];
    /// Read one's own account and API keys.
    AccountRead = "account:read" => [Admin, User, Viewer];
    /// Change one's own password; create and revoke one's own API keys.
    AccountWrite = "account:write" => [Admin, User, Viewer];
    /// Read all accounts.
    UsersRead = "users:read" => [Admin];
    /// Create, change and disable accounts.
    UsersWrite = "users:write" => [Admin];
    /// Read the state of the dispatcher and of the system's parts.
    SystemRead = "system:read" => [Admin, User, Viewer];
    /// Start a tick of the dispatcher.
    SystemTick = "system:tick" => [Admin, Service];
    /// Change configuration, import and export, purge.
    SystemAdmin = "system:admin" => [Admin];
}

impl Permission {
    /// The permission of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|permission| permission.as_str() == word)
    }

    fn bit(self) -> u64 {
        1 << self as u32
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A set of permissions; in JSON a list of their words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Permissions(u64);

const _: () = assert!(
    Permission::ALL.len() <= 64,
    "Permissions holds one bit per permission"
);

impl Permissions {
    /// Whether `permission` is in the set.
    pub fn contains(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// What is in both sets.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in the set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL
            .iter()
            .copied()
            .filter(move |permission| self.contains(*permission))
    }

    /// The words of the members, separated by one space: the form in SQL.
    pub fn to_words(self) -> String {
        self.iter()
            .map(Permission::as_str)
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Reads the form in SQL. Words that this version doesn't know give nothing, so that a scope never widens.
    pub fn from_words(words: &str) -> Self {
        words
            .split_whitespace()
            .filter_map(Permission::parse)
            .collect()
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(
            permissions
                .into_iter()
                .fold(0, |bits, permission| bits | permission.bit()),
        )
    }
}

impl Serialize for Permission {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::parse(&word).ok_or_else(|| D::Error::custom(format!("`{word}` is no permission")))
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The shortest password that is accepted, in characters.
pub const SHORTEST_PASSWORD: usize = 8;
/// The longest password that is accepted, in bytes: hashing time must not grow with the input.
pub const LONGEST_PASSWORD: usize = 256;

/// Why `password` may not be the password of `username`, or `None` when it may.
pub fn password_problem(username: &str, password: &str) -> Option<String> {
    if password.chars().count() < SHORTEST_PASSWORD {
        Some(format!("must have at least {SHORTEST_PASSWORD} characters"))
    } else if password.len() > LONGEST_PASSWORD {
        Some(format!("must have at most {LONGEST_PASSWORD} bytes"))
    } else if password.eq_ignore_ascii_case(username) {
        Some("must not be the username".to_owned())
    } else {
        None
    }
}

/// Why `username` cannot name an account, or `None` when it can: 2 to 64 lower-case letters, digits, `.`, `_`, `-`
/// or `@`, a letter or digit first.
pub fn username_problem(username: &str) -> Option<&'static str> {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-@".contains(&byte);
    let well_formed = (2..=64).contains(&username.len())
        && username.bytes().all(allowed)
        && username
            .bytes()
            .next()
            .is_some_and(|first| first.is_ascii_alphanumeric());
    (!well_formed).then_some(
        "must have 2 to 64 characters, only lower-case letters, digits and `.`, `_`, `-`, `@`, and start with a \
         letter or digit",
    )
}

/// How many wrong passwords in a row are free.
pub const FREE_FAILURES: i64 = 5;

/// How long an account's login is closed after its `failures`th wrong password in a row, in milliseconds: nothing
/// up to the fifth failure's predecessor, then 30 s, doubling to at most 15 min.
///
/// Bounded, because otherwise anybody could lock anybody out for good; sessions and API keys go on working.
pub fn login_pause(failures: i64) -> i64 {
    const FIRST: i64 = 30_000;
    const LONGEST: i64 = 15 * 60_000;
    if failures < FREE_FAILURES {
        return 0;
    }
    let doublings = u32::try_from((failures - FREE_FAILURES).min(10)).unwrap_or(10);
    (FIRST << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_unique_and_read_back() {
        for permission in Permission::ALL {
            assert_eq!(Permission::parse(permission.as_str()), Some(*permission));
        }
        for role in Role::ALL {
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Permission::parse("*"), None);
        assert_eq!(Role::parse("root"), None);
    }

    #[test]
    fn admin_has_everything() {
        assert_eq!(
            Role::Admin.permissions(),
            Permission::ALL.iter().copied().collect()
        );
    }

    #[test]
    fn a_service_only_ticks_and_reports_heartbeats() {
        let expected =
            Permissions::from_iter([Permission::SystemTick, Permission::ProvidersHeartbeat]);
        assert_eq!(Role::Service.permissions(), expected);
    }

    #[test]
    fn a_viewer_changes_nothing_but_its_own_account() {
        for permission in Role::Viewer.permissions().iter() {
            let word = permission.as_str();
            assert!(word.ends_with(":read") || word == "account:write", "{word}");
        }
    }

    #[test]
    fn a_user_neither_deletes_nor_administers() {
        for permission in Role::User.permissions().iter() {
            let word = permission.as_str();
            assert!(
                !word.ends_with(":delete")
                    && !word.ends_with(":admin")
                    && !word.starts_with("users:"),
                "{word}"
            );
        }
    }

    #[test]
    fn sets_in_sql_form() {
        let set = Permissions::from_iter([Permission::BeadsRead, Permission::SystemAdmin]);
        assert_eq!(set.to_words(), "beads:read system:admin");
        assert_eq!(Permissions::from_words("beads:read system:admin"), set);
        assert_eq!(
            Permissions::from_words("beads:read future:thing *"),
            Permissions::from_iter([Permission::BeadsRead])
        );
        assert_eq!(
            set.without(Role::Viewer.permissions()).to_words(),
            "system:admin"
        );
        assert!(set.and(Role::Service.permissions()).is_empty());
    }

    #[test]
    fn passwords() {
        assert!(password_problem("ada", "short").is_some());
        assert!(password_problem("administrator", "Administrator").is_some());
        assert!(password_problem("ada", &"x".repeat(257)).is_some());
        assert_eq!(password_problem("ada", "correct horse"), None);
        assert_eq!(
            password_problem("ada", "żółwżółw"),
            None,
            "characters count, not bytes"
        );
    }

    #[test]
    fn usernames() {
        for good in ["admin", "ada.l", "a1", "ci-bot", "ada@example.org"] {
            assert_eq!(username_problem(good), None, "{good}");
        }
        for bad in ["", "a", "Ada", "-x", "a b", "a\u{0}b", "ünal"] {
            assert!(username_problem(bad).is_some(), "{bad:?}");
        }
        assert!(username_problem(&"a".repeat(65)).is_some());
    }

    #[test]
    fn the_pause_grows_and_is_bounded() {
        assert_eq!(login_pause(4), 0);
        assert_eq!(login_pause(5), 30_000);
        assert_eq!(login_pause(6), 60_000);
        assert_eq!(login_pause(1_000_000), 900_000);
    }
}
