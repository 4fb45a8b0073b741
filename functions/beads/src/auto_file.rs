use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use loom_api::{Caller, Created, Error, Json};
use loom_domain::{
    bead::{AUTO_FILED_TAG, BeadInput, Priority, TITLE_LIMIT},
    project::{Project, ProjectStatus},
    time::Timestamp,
};
use loom_platform::{Database, Platform, Statements, Transaction};
use loom_store::{
    Change,
    bead::{self, Origin},
    project,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::work::nudge_after;

/// An error that a program met.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    title: String,
    /// The program, such as `web-ui`.
    source: String,
    /// The kind of error, such as `TypeError`.
    error_type: String,
    message: Option<String>,
    stack_trace: Option<String>,
    #[serde(default)]
    context: BTreeMap<String, Value>,
    severity: Option<Severity>,
    occurred_at: Option<Timestamp>,
    /// Default: the only open project.
    project_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Severity {
    Critical,
    High,
    Medium,
    Low,
}

impl Severity {
    fn priority(self) -> Option<Priority> {
        Priority::new(match self {
            Self::Critical => 0,
            Self::High => 1,
            Self::Medium => 2,
            Self::Low => 3,
        })
    }
}

#[derive(Debug, Serialize)]
struct Filed {
    bead_id: String,
    /// `false` when an open bead about the same error was there already.
    created: bool,
}

/// Files a bug about an error, unless an open one is about the same (invariant I9): 201 for a new one, 200 with the
/// id of the one that is there.
pub(crate) async fn auto_file<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(input): Json<Input>,
) -> Result<Response, Error> {
    check(&input)?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    let project_id = match &input.project_id {
        Some(id) => id.clone(),
        None => only_open_project(&tx).await?.id,
    };
    let origin = Origin {
        fingerprint: Some(fingerprint(&project_id, &input)),
        ..Origin::default()
    };
    let (bead, created) = bead::file(&change, bead_input(project_id, input), origin).await?;
    tx.commit().await?;
    let place = format!("/api/v1/beads/{}", bead.id);
    let filed = Filed {
        bead_id: bead.id.clone(),
        created,
    };
    if !created {
        return Ok(Json(filed).into_response());
    }
    nudge_after(&platform, &bead);
    Ok(Created(place, filed).into_response())
}

fn check(input: &Input) -> Result<(), Error> {
    let mut error = Error::invalid_fields();
    let mut wrong = false;
    for (field, text, most) in [
        ("title", &input.title, TITLE_LIMIT),
        ("source", &input.source, 64),
        ("error_type", &input.error_type, 64),
    ] {
        if text.trim().is_empty()
            || text.chars().count() > most
            || text.chars().any(char::is_control)
        {
            let problem = format!("must be one line of 1 to {most} characters");
            error = error.field(field, problem);
            wrong = true;
        }
    }
    for (field, text) in [
        ("message", &input.message),
        ("stack_trace", &input.stack_trace),
    ] {
        if text.as_ref().is_some_and(|text| text.len() > 64 * 1024) {
            error = error.field(field, "must be at most 64 KiB");
            wrong = true;
        }
    }
    if wrong { Err(error) } else { Ok(()) }
}

async fn only_open_project<S: Statements>(tx: &S) -> Result<Project, Error> {
    let mut open = Vec::new();
    for project in project::list(tx, "", 1000).await? {
        if project.status == ProjectStatus::Open {
            open.push(project);
        }
    }
    let problem = if open.is_empty() {
        "is required: no project is open"
    } else {
        "is required: more than one project is open"
    };
    match <[Project; 1]>::try_from(open) {
        Ok([only]) => Ok(only),
        Err(_) => Err(Error::invalid_fields().field("project_id", problem)),
    }
}

fn bead_input(project_id: String, input: Input) -> BeadInput {
    let title = format!(
        "[auto-filed] [{}] {}",
        input.source.trim(),
        input.title.trim()
    );
    let mut context = input.context.clone();
    context.insert("source".to_owned(), input.source.trim().into());
    context.insert("error_type".to_owned(), input.error_type.trim().into());
    if let Some(at) = input.occurred_at {
        context.insert("occurred_at".to_owned(), at.to_rfc3339().into());
    }
    let tags = [
        AUTO_FILED_TAG.to_owned(),
        input.source.trim().to_owned(),
        input.error_type.trim().to_owned(),
    ];
    BeadInput {
        project_id: Some(project_id),
        kind: Some("bug".to_owned()),
        title: Some(title.chars().take(TITLE_LIMIT).collect()),
        description: Some(report(&input)),
        priority: Some(
            input
                .severity
                .and_then(Severity::priority)
                .unwrap_or(Priority::DEFAULT),
        ),
        tags: Some(tags.to_vec()),
        context: Some(context),
        ..BeadInput::default()
    }
}

/// What a person or an agent reads.
fn report(input: &Input) -> String {
    let mut report = format!(
        "An error was reported by a program, not by a person.\n\n- Source: {}\n- Error type: {}\n",
        input.source.trim(),
        input.error_type.trim()
    );
    if let Some(at) = input.occurred_at {
        report.push_str(&format!("- Occurred at: {}\n", at.to_rfc3339()));
    }
    for (heading, text) in [
        ("Message", &input.message),
        ("Stack trace", &input.stack_trace),
    ] {
        if let Some(text) = text.as_ref().filter(|text| !text.trim().is_empty()) {
            report.push_str(&format!("\n## {heading}\n\n{}\n", indented(text)));
        }
    }
    report
}

/// As a Markdown code block that no text can end: every line is indented.
fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("    {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What tells one error from another: not its numbers, ids and addresses, which differ from one time to the next.
fn fingerprint(project_id: &str, input: &Input) -> String {
    let parts = [&input.source, &input.error_type, &input.title].map(|text| normalised(text));
    format!("auto:{project_id}:{}", parts.join(":"))
}

fn normalised(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c == ':');
    let words = words.filter(|word| !word.is_empty()).map(|word| {
        let mut kept = String::new();
        for part in word.split_inclusive(|c: char| !c.is_alphanumeric()) {
            let core = part.trim_end_matches(|c: char| !c.is_alphanumeric());
            let tail = part.get(core.len()..).unwrap_or_default();
            let variable = core.bytes().any(|byte| byte.is_ascii_digit());
            kept.push_str(if variable { "#" } else { core });
            kept.push_str(tail);
        }
        kept.to_lowercase()
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn numbers_and_ids_do_not_tell_errors_apart() {
        for (one, other) in [
            ("Request 17 failed", "request 18 failed"),
            ("no bead bd-7f3a2", "no bead bd-0a1b9"),
            ("x of undefined  (line 3)", "x of undefined (line 12)"),
            ("at 0xdeadbeef01", "at 0x01"),
        ] {
            assert_eq!(normalised(one), normalised(other), "{one} / {other}");
        }
        assert_ne!(normalised("a failed"), normalised("b failed"));
    }
}
