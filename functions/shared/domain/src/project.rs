//! Projects: git repositories that Loom works on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Refusal,
    github::{GithubSettings, Repository},
    id::is_bead_prefix,
    org_chart::{DEFAULT_MAX_AGENTS, MOST_AGENTS},
    time::Timestamp,
};

/// Whether work is dispatched for a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectStatus {
    /// Its beads are dispatched.
    Open,
    /// Nothing of it is dispatched.
    Closed,
}

impl ProjectStatus {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
        }
    }

    /// The status that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Open, Self::Closed]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// How finished work reaches the base branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub enum GitStrategy {
    /// The branch is handed to a reviewer; a person or a pull request merges it.
    #[default]
    BranchPr,
    /// `done` merges the branch once the project's tests pass on the merged tree.
    Direct,
}

impl GitStrategy {
    /// The word in JSON and SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BranchPr => "branch-pr",
            Self::Direct => "direct",
        }
    }

    /// The strategy that [`as_str`](Self::as_str) names.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::BranchPr, Self::Direct]
            .into_iter()
            .find(|strategy| strategy.as_str() == text)
    }
}

/// A project.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Project {
    /// UUIDv7.
    pub id: String,
    /// What people call it; unique.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Where its repository is: an absolute path or `file://` URL as the workspace service sees it, or a
    /// [`Repository`] on GitHub.
    pub git_repo: String,
    /// The base branch.
    pub branch: String,
    /// Whether work is dispatched.
    pub status: ProjectStatus,
    /// How finished work reaches the base branch.
    pub git_strategy: GitStrategy,
    /// What its bead ids start with; unique.
    pub bead_prefix: String,
    /// Overrides the detected build command.
    pub build_command: Option<String>,
    /// Overrides the detected test command.
    pub test_command: Option<String>,
    /// Overrides the detected lint command.
    pub lint_command: Option<String>,
    /// Programs that `run_command` may start besides the workspace's own list.
    pub allowed_commands: Vec<String>,
    /// Free facts that go into the prompt.
    pub context: BTreeMap<String, String>,
    /// A perpetual project never closes.
    pub is_perpetual: bool,
    /// How many runs it may have at once, 1 to 64.
    pub max_concurrent: i64,
    /// How many agents may work for it alone, 1 to 256.
    pub max_agents: i64,
    /// All that it may spend, in micro-US-dollars; none = no cap.
    pub budget_micro_usd: Option<i64>,
    /// What each of its beads may spend, in micro-US-dollars; none = no cap.
    pub bead_budget_micro_usd: Option<i64>,
    /// How Loom works with its repository on GitHub; none when it is not there.
    pub github: Option<GithubSettings>,
    /// The branch of the repository that its beads are kept in as files; none = they are not.
    pub bead_sync_branch: Option<String>,
    /// Grows by one with each change; the ETag.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

impl Project {
    /// Its repository on GitHub, if that is where it is.
    pub fn repository(&self) -> Option<Repository> {
        Repository::parse(&self.git_repo)
    }
}

/// What is asked for when a project is registered. `PUT` takes the same fields.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProjectInput {
    /// Required when registering.
    pub name: Option<String>,
    /// See [`Project::description`].
    pub description: Option<String>,
    /// Required when registering.
    pub git_repo: Option<String>,
    /// Default `main`.
    pub branch: Option<String>,
    /// Default `branch-pr`.
    pub git_strategy: Option<GitStrategy>,
    /// Default: letters of the name, or `bd`.
    pub bead_prefix: Option<String>,
    /// An empty text removes it.
    pub build_command: Option<String>,
    /// An empty text removes it.
    pub test_command: Option<String>,
    /// An empty text removes it.
    pub lint_command: Option<String>,
    /// See [`Project::allowed_commands`].
    pub allowed_commands: Option<Vec<String>>,
    /// See [`Project::context`].
    pub context: Option<BTreeMap<String, String>>,
    /// See [`Project::is_perpetual`].
    pub is_perpetual: Option<bool>,
    /// Default 12.
    pub max_concurrent: Option<i64>,
    /// Default 32.
    pub max_agents: Option<i64>,
    /// 0 removes the cap.
    pub budget_micro_usd: Option<i64>,
    /// 0 removes the cap; default 5 US dollars.
    pub bead_budget_micro_usd: Option<i64>,
    /// Replaces all settings for GitHub; for a repository there only.
    pub github: Option<GithubSettings>,
    /// An empty text ends the keeping of beads in the repository; default: they are not kept there.
    pub bead_sync_branch: Option<String>,
}

/// What one bead may spend unless its project says otherwise: 5 US dollars.
pub const DEFAULT_BEAD_BUDGET_MICRO_USD: i64 = 5_000_000;
/// How many runs a project may have at once unless it says otherwise.
pub const DEFAULT_MAX_CONCURRENT: i64 = 12;

impl ProjectInput {
    /// The fields of a new project, checked. Identity, times and version are the caller's to fill.
    pub fn register(self) -> Result<Project, Refusal> {
        let empty = Project {
            id: String::new(),
            name: String::new(),
            description: String::new(),
            git_repo: String::new(),
            branch: "main".to_owned(),
            status: ProjectStatus::Open,
            git_strategy: GitStrategy::default(),
            bead_prefix: String::new(),
            build_command: None,
            test_command: None,
            lint_command: None,
            allowed_commands: Vec::new(),
            context: BTreeMap::new(),
            is_perpetual: false,
            max_concurrent: DEFAULT_MAX_CONCURRENT,
            max_agents: DEFAULT_MAX_AGENTS,
            budget_micro_usd: None,
            bead_budget_micro_usd: Some(DEFAULT_BEAD_BUDGET_MICRO_USD),
            github: None,
            bead_sync_branch: None,
            version: 1,
            created_at: Timestamp(0),
            updated_at: Timestamp(0),
            closed_at: None,
        };
        let mut project = self.apply(empty)?;
        if project.bead_prefix.is_empty() {
            project.bead_prefix = prefix_from(&project.name);
        }
        Ok(project)
    }

    /// `project` with these fields in place of its own, checked. What is absent stays.
    pub fn apply(self, mut project: Project) -> Result<Project, Refusal> {
        fn optional(target: &mut Option<String>, value: Option<String>) {
            if let Some(value) = value {
                *target = Some(value.trim().to_owned()).filter(|text| !text.is_empty());
            }
        }
        fn cap(target: &mut Option<i64>, value: Option<i64>) {
            if let Some(value) = value {
                *target = (value != 0).then_some(value);
            }
        }
        if let Some(name) = self.name {
            project.name = name.trim().to_owned();
        }
        if let Some(description) = self.description {
            project.description = description;
        }
        if let Some(git_repo) = self.git_repo {
            let git_repo = git_repo.trim();
            project.git_repo = Repository::parse(git_repo)
                .map_or_else(|| git_repo.to_owned(), |repository| repository.url());
        }
        if let Some(branch) = self.branch {
            project.branch = branch;
        }
        if let Some(git_strategy) = self.git_strategy {
            project.git_strategy = git_strategy;
        }
        if let Some(bead_prefix) = self.bead_prefix {
            project.bead_prefix = bead_prefix;
        }
        optional(&mut project.build_command, self.build_command);
        optional(&mut project.test_command, self.test_command);
        optional(&mut project.lint_command, self.lint_command);
        if let Some(allowed_commands) = self.allowed_commands {
            project.allowed_commands = allowed_commands;
        }
        if let Some(context) = self.context {
            project.context = context;
        }
        if let Some(is_perpetual) = self.is_perpetual {
            project.is_perpetual = is_perpetual;
        }
        if let Some(max_concurrent) = self.max_concurrent {
            project.max_concurrent = max_concurrent;
        }
        if let Some(max_agents) = self.max_agents {
            project.max_agents = max_agents;
        }
        cap(&mut project.budget_micro_usd, self.budget_micro_usd);
        cap(
            &mut project.bead_budget_micro_usd,
            self.bead_budget_micro_usd,
        );
        optional(&mut project.bead_sync_branch, self.bead_sync_branch);
        if self.github.is_some() {
            project.github = self.github;
        } else if project.repository().is_none() {
            project.github = None;
        } else if project.github.is_none() {
            project.github = Some(GithubSettings::default());
        }
        check(&project)?;
        Ok(project)
    }
}

fn check(project: &Project) -> Result<(), Refusal> {
    let mut refusal = Refusal::invalid(
        "invalid_fields",
        "The project has fields that cannot be accepted.",
    );
    let mut wrong =
        |field: &str, problem: &str| refusal.fields.insert(field.to_owned(), problem.to_owned());
    if project.name.is_empty() || project.name.chars().count() > 100 {
        wrong("name", "must be 1 to 100 characters");
    }
    if project.description.len() > 16 * 1024 {
        wrong("description", "must be at most 16 KiB");
    }
    let is_on_disk = project.git_repo.starts_with('/') || project.git_repo.starts_with("file:///");
    let is_on_github = project.repository().is_some();
    if !is_on_disk && !is_on_github {
        wrong(
            "git_repo",
            "must be a repository on GitHub (https://<host>/<owner>/<name>), or an absolute path or a file:/// URL of a \
             git repository on the workspace service's machine",
        );
    }
    match &project.github {
        Some(_) if !is_on_github => wrong(
            "github",
            "is for a project whose git_repo is a repository on GitHub",
        ),
        Some(settings) => {
            for (field, problem) in settings.problems() {
                wrong(&format!("github.{field}"), &problem);
            }
            None
        }
        None => None,
    };
    if project
        .bead_sync_branch
        .as_deref()
        .is_some_and(|branch| !is_branch_name(branch))
    {
        wrong("bead_sync_branch", "must be a valid git branch name");
    }
    if !is_branch_name(&project.branch) {
        wrong("branch", "must be a valid git branch name");
    }
    if !project.bead_prefix.is_empty() && !is_bead_prefix(&project.bead_prefix) {
        wrong(
            "bead_prefix",
            "must be 2 to 12 lower-case letters, digits or inner dashes, a letter first",
        );
    }
    if !(1..=64).contains(&project.max_concurrent) {
        wrong("max_concurrent", "must be 1 to 64");
    }
    if !(1..=MOST_AGENTS).contains(&project.max_agents) {
        wrong("max_agents", "must be 1 to 256");
    }
    for (field, value) in [
        ("budget_micro_usd", project.budget_micro_usd),
        ("bead_budget_micro_usd", project.bead_budget_micro_usd),
    ] {
        if value.is_some_and(|value| !(0..=1_000_000_000_000).contains(&value)) {
            wrong(
                field,
                "must be 0 (no cap) to 1,000,000 US dollars, in millionths of a dollar",
            );
        }
    }
    if project.allowed_commands.len() > 64
        || project
            .allowed_commands
            .iter()
            .any(|command| command.is_empty() || command.contains(['/', ' ']))
    {
        wrong(
            "allowed_commands",
            "must be at most 64 program names without a path or arguments",
        );
    }
    if project.context.len() > 64 || project.context.values().any(|value| value.len() > 4096) {
        wrong("context", "must be at most 64 entries of at most 4 KiB");
    }
    if refusal.fields.is_empty() {
        Ok(())
    } else {
        Err(refusal)
    }
}

/// What git accepts as a branch name, less what only confuses (`git check-ref-format`).
fn is_branch_name(name: &str) -> bool {
    (1..=200).contains(&name.len())
        && !name.starts_with(['-', '/', '.'])
        && !name.ends_with(['/', '.'])
        && !name.ends_with(".lock")
        && !["..", "//", "@{", "/."]
            .iter()
            .any(|part| name.contains(part))
        && name
            .chars()
            .all(|c| !c.is_whitespace() && !c.is_control() && !"~^:?*[\\".contains(c))
}

/// The first letters and digits of a name, at most eight; `bd` when too few are left.
fn prefix_from(name: &str) -> String {
    let short: String = name
        .to_lowercase()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .skip_while(char::is_ascii_digit)
        .take(8)
        .collect();
    if is_bead_prefix(&short) {
        short
    } else {
        "bd".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> ProjectInput {
        ProjectInput {
            name: Some("Demo app".into()),
            git_repo: Some("/srv/demo".into()),
            ..Default::default()
        }
    }

    #[test]
    fn defaults() {
        let project = input().register().unwrap();
        assert_eq!(project.bead_prefix, "demoapp");
        assert_eq!(project.branch, "main");
        assert_eq!(project.git_strategy, GitStrategy::BranchPr);
    }

    #[test]
    fn a_repository_on_github_has_settings_and_others_have_none() {
        let on_github = ProjectInput {
            git_repo: Some("git@github.com:acme/widget.git".into()),
            ..input()
        };
        let project = on_github.register().unwrap();
        assert_eq!(project.git_repo, "https://github.com/acme/widget");
        assert_eq!(project.github, Some(GithubSettings::default()));

        let moved = ProjectInput {
            git_repo: Some("/srv/widget".into()),
            ..Default::default()
        };
        assert_eq!(moved.apply(project).unwrap().github, None);

        let misplaced = ProjectInput {
            github: Some(GithubSettings::default()),
            ..input()
        };
        let refusal = misplaced.register().unwrap_err();
        assert!(refusal.fields.contains_key("github"));
    }

    #[test]
    fn each_wrong_field_is_named() {
        let refusal = ProjectInput {
            name: Some(" ".into()),
            git_repo: Some("relative".into()),
            branch: Some("a..b".into()),
            bead_prefix: Some("UP".into()),
            max_concurrent: Some(0),
            budget_micro_usd: Some(-1),
            ..Default::default()
        }
        .register()
        .unwrap_err();
        let fields: Vec<_> = refusal.fields.keys().map(String::as_str).collect();
        assert_eq!(
            fields,
            [
                "bead_prefix",
                "branch",
                "budget_micro_usd",
                "git_repo",
                "max_concurrent",
                "name"
            ]
        );
    }
}
