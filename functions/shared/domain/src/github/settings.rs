use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{bead::Priority, role::Role};

/// How pull requests are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MergeMethod {
    /// A merge commit.
    Merge,
    /// All commits become one on the base branch.
    #[default]
    Squash,
    /// The commits are put on the base branch one by one.
    Rebase,
}

impl MergeMethod {
    /// The word in JSON and in GitHub's API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// How the repository's own GitHub Actions are made to check an agent's commit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Checks {
    /// They start by themselves when a branch is pushed.
    #[default]
    Push,
    /// Loom starts the workflow in this file of `.github/workflows`, which must accept `workflow_dispatch`.
    Dispatch {
        /// The file's name, such as `ci.yml`.
        workflow: String,
    },
}

/// What a label of an issue says about the bead that is filed for it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelMeaning {
    /// The bead's type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its priority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
    /// The role that it asks for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// How Loom works with a project's repository on GitHub. Every field has a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GithubSettings {
    /// What labels mean, by their name in lower case; these go before what Loom takes labels to mean by itself.
    pub labels: BTreeMap<String, LabelMeaning>,
    /// Whether an opened issue files a bead.
    pub file_issues: bool,
    /// Only issues with this label file a bead; none: all do.
    pub issue_label: Option<String>,
    /// How pull requests are merged.
    pub merge_method: MergeMethod,
    /// How commits are checked.
    pub checks: Checks,
    /// How many people must approve a pull request before Loom merges it, 0 to 6. What the branch's protection asks
    /// for counts besides.
    pub required_approvals: u8,
    /// Bots whose events are taken like those of people, by login. Those of all others start nothing.
    pub allowed_bots: Vec<String>,
    /// How often within an hour one issue or pull request may start work, 1 to 100.
    pub max_runs_per_issue_hour: u32,
    /// The installation of the GitHub App; looked up when absent.
    pub installation_id: Option<i64>,
}

impl Default for GithubSettings {
    fn default() -> Self {
        Self {
            labels: BTreeMap::new(),
            file_issues: true,
            issue_label: None,
            merge_method: MergeMethod::default(),
            checks: Checks::default(),
            required_approvals: 0,
            allowed_bots: Vec::new(),
            max_runs_per_issue_hour: 6,
            installation_id: None,
        }
    }
}

impl GithubSettings {
    /// What is wrong with them, by field.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        if self.labels.len() > 100 {
            found.push(("labels", "must be at most 100".to_owned()));
        }
        for (label, meaning) in &self.labels {
            if label.is_empty() || label.len() > 200 || *label != label.to_lowercase() {
                found.push((
                    "labels",
                    format!("{label:?} must be 1 to 200 characters, in lower case"),
                ));
            }
            if let Some(role) = meaning.role.as_deref()
                && let Err(refusal) = Role::parse(role)
            {
                found.push(("labels", refusal.message));
            }
        }
        if let Checks::Dispatch { workflow } = &self.checks
            && (workflow.is_empty() || workflow.len() > 200 || workflow.contains(['/', '\\', ' ']))
        {
            found.push((
                "checks",
                "workflow must be the name of a file in .github/workflows".to_owned(),
            ));
        }
        if self.required_approvals > 6 {
            found.push(("required_approvals", "must be 0 to 6".to_owned()));
        }
        if self.allowed_bots.len() > 50 || self.allowed_bots.iter().any(String::is_empty) {
            found.push(("allowed_bots", "must be at most 50 logins".to_owned()));
        }
        if !(1..=100).contains(&self.max_runs_per_issue_hour) {
            found.push(("max_runs_per_issue_hour", "must be 1 to 100".to_owned()));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_said_is_the_default() {
        let settings: GithubSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, GithubSettings::default());
        assert!(settings.problems().is_empty());
    }

    #[test]
    fn each_problem_names_its_field() {
        let text = r#"{"labels":{"Big":{},"ok":{"role":"astronaut"}},"required_approvals":9,
            "checks":{"dispatch":{"workflow":"../x"}},"max_runs_per_issue_hour":0,"allowed_bots":[""]}"#;
        let settings: GithubSettings = serde_json::from_str(text).unwrap();
        let fields: Vec<&str> = settings
            .problems()
            .iter()
            .map(|(field, _)| *field)
            .collect();
        assert_eq!(
            fields,
            [
                "labels",
                "labels",
                "checks",
                "required_approvals",
                "allowed_bots",
                "max_runs_per_issue_hour"
            ]
        );
    }
}
