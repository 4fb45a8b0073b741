use loom_domain::time::Timestamp;
use loom_platform::Platform;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::{
    Actor, GithubError, Repository, State,
    actor::{moment, or_default},
    call::{Call, segment},
    error::optional,
    marker,
};

/// Why an issue is closed, or open again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateReason {
    /// It is done.
    Completed,
    /// Nobody will do it.
    NotPlanned,
    /// It was closed before.
    Reopened,
    /// Another says the same.
    Duplicate,
    /// A reason that this client does not know; never sent.
    #[serde(other)]
    Other,
}

/// An issue. Every pull request is one too.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Issue {
    /// GitHub's id.
    pub id: i64,
    /// Its number in the repository.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// Its text; empty if it has none.
    #[serde(default, deserialize_with = "or_default")]
    pub body: String,
    /// Whether it is open.
    pub state: State,
    /// Why.
    #[serde(default)]
    pub state_reason: Option<StateReason>,
    /// The names of its labels.
    #[serde(default, deserialize_with = "label_names")]
    pub labels: Vec<String>,
    /// Who opened it.
    #[serde(rename = "user", default, deserialize_with = "or_default")]
    pub author: Actor,
    /// Who is to work on it.
    #[serde(default, deserialize_with = "or_default")]
    pub assignees: Vec<Actor>,
    /// Its page.
    pub html_url: String,
    /// When it was opened.
    #[serde(default, deserialize_with = "moment")]
    pub created_at: Option<Timestamp>,
    /// When anything about it last changed.
    #[serde(default, deserialize_with = "moment")]
    pub updated_at: Option<Timestamp>,
    /// Present if it is a pull request.
    #[serde(default)]
    pull_request: Option<Value>,
}

impl Issue {
    /// Whether it is a pull request.
    pub fn is_pull_request(&self) -> bool {
        self.pull_request.is_some()
    }
}

/// An issue to open.
#[derive(Debug, Clone, Copy)]
pub struct NewIssue<'a> {
    /// The title.
    pub title: &'a str,
    /// The text, in Markdown.
    pub body: &'a str,
    /// The names of labels; those that do not exist are made.
    pub labels: &'a [&'a str],
    /// What tells it from all others, such as the bead's id: a hidden mark in the text.
    pub marker: &'a str,
}

/// What to change about an issue; `None` leaves a field as it is.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct IssueChange<'a> {
    /// The title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<&'a str>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<&'a str>,
    /// Whether it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_reason: Option<StateReason>,
    /// All its labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<&'a [&'a str]>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum LabelWire {
    Object { name: String },
    Text(String),
}

/// Labels are objects, and in some old answers just names.
pub(crate) fn label_names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<String>, D::Error> {
    let labels = Option::<Vec<LabelWire>>::deserialize(deserializer)?.unwrap_or_default();
    Ok(labels.into_iter().map(LabelWire::into_name).collect())
}

impl LabelWire {
    fn into_name(self) -> String {
        match self {
            Self::Object { name } | Self::Text(name) => name,
        }
    }
}

impl<P: Platform> Repository<P> {
    /// The issue with a number; `None` if there is none, or it was deleted. Asked for conditionally.
    pub async fn get_issue(&self, number: i64) -> Result<Option<Issue>, GithubError> {
        let call = Call::get(self.at(&format!("/issues/{number}"))).conditional();
        optional(self.get(call).await)
    }

    /// Opens an issue.
    ///
    /// Idempotent by `marker`: an issue that Loom's own account opened with that mark among its latest 500 is returned
    /// as it is. Looks before it creates, and again after a lost answer.
    pub async fn create_issue(&self, issue: &NewIssue<'_>) -> Result<Issue, GithubError> {
        if let Some(found) = self.find_issue(issue.marker).await? {
            return Ok(found);
        }
        let body = json!({
            "title": issue.title,
            "body": marker::marked(issue.body, issue.marker),
            "labels": issue.labels,
        });
        match self.send(Call::post(self.at("/issues"), &body)).await {
            Ok(answer) => answer.json(),
            Err(error) if error.may_have_acted() => {
                self.find_issue(issue.marker).await?.ok_or(error)
            }
            Err(error) => Err(error),
        }
    }

    async fn find_issue(&self, marker: &str) -> Result<Option<Issue>, GithubError> {
        let own = self.own_login().await?;
        let call = Call::get(self.at("/issues"))
            .query("state", "all")
            .query("creator", &own)
            .query("sort", "created")
            .query("direction", "desc");
        let mark = marker::hidden(marker);
        let listed = self.list::<Issue>(call, 5).await?;
        Ok(listed
            .items
            .into_iter()
            .find(|issue| issue.author.is(&own) && issue.body.contains(&mark)))
    }

    /// Changes an issue. Idempotent: it sets values, so it is sent again after a lost answer.
    pub async fn update_issue(
        &self,
        number: i64,
        change: &IssueChange<'_>,
    ) -> Result<Issue, GithubError> {
        let call = Call::patch(self.at(&format!("/issues/{number}")), &json!(change)).repeatable();
        self.get(call).await
    }

    /// Adds labels to an issue or pull request and returns all that it has then; labels that do not exist are made.
    /// Idempotent, so it is sent again after a lost answer.
    pub async fn add_labels(
        &self,
        number: i64,
        labels: &[&str],
    ) -> Result<Vec<String>, GithubError> {
        let target = self.at(&format!("/issues/{number}/labels"));
        let call = Call::post(target, &json!({"labels": labels})).repeatable();
        let labels: Vec<LabelWire> = self.get(call).await?;
        Ok(labels.into_iter().map(LabelWire::into_name).collect())
    }

    /// Takes a label from an issue or pull request; whether it had it. Idempotent, so it is sent again after a lost
    /// answer.
    pub async fn remove_label(&self, number: i64, label: &str) -> Result<bool, GithubError> {
        let target = self.at(&format!("/issues/{number}/labels/{}", segment(label)));
        Ok(optional(self.send(Call::delete(target).repeatable()).await)?.is_some())
    }
}
