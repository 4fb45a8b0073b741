use axum::extract::State;
use loom_api::{Caller, Created, Error, Json, Tagged};
use loom_domain::{
    Refusal,
    bead::{BeadStatus, Priority},
    decision::{Answer, Decision, DecisionKind, NewDecision, normalise, project_close_fingerprint},
    project::ProjectStatus,
    time::{DAY, MINUTE, Timestamp},
};
use loom_platform::{Database, Platform, Random, Statements, Transaction};
use loom_store::{Change, StoreError, agent, bead, decision, project};
use serde::Deserialize;

/// The soonest and the latest deadline, from now.
const SOONEST: i64 = MINUTE;
const LATEST: i64 = 30 * DAY;

/// What a person or a program asks. It is about a bead or about a project.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Input {
    kind: Kind,
    bead_id: Option<String>,
    project_id: Option<String>,
    question: String,
    /// Besides `approve`, `deny` and `needs_more_info`.
    #[serde(default)]
    options: Vec<String>,
    recommendation: Option<String>,
    #[serde(default)]
    context: String,
    /// The answer that holds when the deadline passes.
    default_answer: Option<String>,
    /// The agent that goes on when more information is wanted.
    returned_to: Option<String>,
    /// One minute to 30 days from now; 48 hours when absent.
    deadline_at: Option<Timestamp>,
    priority: Option<Priority>,
}

/// The kinds that are asked by hand; Loom itself asks the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Escalation,
    HighRisk,
    ProjectClose,
    Question,
}

impl Kind {
    fn kind(self) -> DecisionKind {
        match self {
            Self::Escalation => DecisionKind::Escalation,
            Self::HighRisk => DecisionKind::HighRisk,
            Self::ProjectClose => DecisionKind::ProjectClose,
            Self::Question => DecisionKind::Question,
        }
    }
}

/// Puts a question. An escalation, or a question whether something dangerous may be done, stops the work on its bead.
pub(crate) async fn ask<P: Platform>(
    State(platform): State<P>,
    caller: Caller,
    Json(input): Json<Input>,
) -> Result<Tagged<Created<Decision>>, Error> {
    input.check()?;
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), &caller.name).await?;
    input.check_deadline(change.now)?;
    if let Some(agent_id) = &input.returned_to
        && let Err(StoreError::Refused(_)) = agent::get(&tx, agent_id).await
    {
        let problem = format!("there is no agent {agent_id}");
        return Err(Error::invalid_fields().field("returned_to", problem));
    }
    let id = match (&input.bead_id, &input.project_id) {
        (Some(bead_id), None) => about_bead(&change, &input, bead_id).await?,
        (None, Some(project_id)) => about_project(&change, &input, project_id).await?,
        _ => return Err(Error::internal("a checked question is about two things")),
    };
    let decision = decision::get(&tx, &id).await?;
    tx.commit().await?;
    // The decision-maker may have got a bead.
    loom_api::nudge(&platform);
    let place = format!("/api/v1/decisions/{id}");
    Ok(Tagged(decision.version, Created(place, decision)))
}

impl Input {
    fn check(&self) -> Result<(), Error> {
        let mut error = Error::invalid_fields();
        let mut is_bad = false;
        let mut bad = |field: &str, problem: String| {
            is_bad = true;
            let before = std::mem::replace(&mut error, Error::invalid_fields());
            error = before.field(field, problem);
        };
        let (subject, other) = match self.kind {
            Kind::Escalation | Kind::HighRisk => (&self.bead_id, &self.project_id),
            Kind::ProjectClose => (&self.project_id, &self.bead_id),
            Kind::Question if self.bead_id.is_some() => (&self.bead_id, &self.project_id),
            Kind::Question => (&self.project_id, &self.bead_id),
        };
        let (name, other_name) = match self.kind {
            Kind::ProjectClose => ("project_id", "bead_id"),
            _ => ("bead_id", "project_id"),
        };
        if subject.is_none() {
            bad(name, "must say what the question is about".to_owned());
        }
        if other.is_some() {
            bad(
                other_name,
                format!("must be absent: {name} says what it is about"),
            );
        }
        for (field, text, least, most) in [
            ("question", Some(&self.question), 1, 4096),
            ("recommendation", self.recommendation.as_ref(), 1, 2000),
            ("context", Some(&self.context), 0, 16 * 1024),
        ] {
            if text.is_some_and(|text| !(least..=most).contains(&text.trim().len())) {
                bad(field, format!("must be {least} to {most} bytes"));
            }
        }
        if let Some(problem) = self.problem_of_options() {
            bad("options", problem);
        }
        if let Some(problem) = self.problem_of_default() {
            bad("default_answer", problem);
        }
        if is_bad { Err(error) } else { Ok(()) }
    }

    fn problem_of_options(&self) -> Option<String> {
        if self.options.len() > 10 {
            return Some("must be at most 10".to_owned());
        }
        let mut seen: Vec<String> = Vec::new();
        for option in &self.options {
            let text = option.trim();
            if text.is_empty() || text.len() > 200 {
                return Some("must each be 1 to 200 bytes".to_owned());
            }
            let folded = text.to_lowercase();
            if seen.contains(&folded) {
                return Some(format!("must differ: {text} is there twice"));
            }
            seen.push(folded);
        }
        None
    }

    fn problem_of_default(&self) -> Option<String> {
        let text = self.default_answer.as_deref()?;
        match normalise(text, &self.options) {
            Err(refusal) => Some(refusal.fields.get("decision").cloned().unwrap_or_default()),
            Ok(Answer::Approve | Answer::Option(_)) if self.kind == Kind::HighRisk => Some(
                "must be deny or needs_more_info: only people approve what is dangerous".to_owned(),
            ),
            Ok(_) => None,
        }
    }

    fn check_deadline(&self, now: Timestamp) -> Result<(), Error> {
        match self.deadline_at {
            Some(at) if !(now.0 + SOONEST..=now.0 + LATEST).contains(&at.0) => {
                Err(Error::invalid_fields().field(
                    "deadline_at",
                    format!(
                        "must be one minute to 30 days from now, between {} and {}",
                        Timestamp(now.0 + SOONEST).to_rfc3339(),
                        Timestamp(now.0 + LATEST).to_rfc3339()
                    ),
                ))
            }
            _ => Ok(()),
        }
    }

    fn question(&self, fingerprint: String) -> NewDecision {
        let mut new = NewDecision::new(self.kind.kind(), fingerprint, self.question.trim())
            .options(
                self.options
                    .iter()
                    .map(|option| option.trim().to_owned())
                    .collect(),
            )
            .recommendation(self.recommendation.clone())
            .default_answer(self.default_answer.clone())
            .returned_to(self.returned_to.clone());
        new.deadline_at = self.deadline_at;
        new.priority = self.priority;
        new
    }
}

async fn about_bead<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    input: &Input,
    bead_id: &str,
) -> Result<String, Error> {
    let bead = match bead::get(change.tx, bead_id).await {
        Err(StoreError::Refused(_)) => {
            let problem = format!("there is no bead {bead_id}");
            return Err(Error::invalid_fields().field("bead_id", problem));
        }
        other => other?,
    };
    if input.kind != Kind::Question {
        let kind = input.kind.kind();
        let new = input.question(format!("{}:{bead_id}", kind.as_str()));
        let why = format!("{} asks: {}", change.actor, input.question.trim());
        return Ok(decision::stop_and_ask(change, &bead, &new, &why, &input.context).await?);
    }
    if bead.status == BeadStatus::Closed {
        let message =
            format!("Bead {bead_id} is closed, so no answer could change it. Open it first.");
        return Err(Refusal::conflict("bead_closed", message).into());
    }
    let new = input.question(format!("asked:{bead_id}:{}", input.question.trim()));
    decision::refuse_open(change.tx, &new.fingerprint).await?;
    let asked = decision::ask(change, &bead, &new, &input.context).await?;
    asked.ok_or_else(|| Error::internal("the question was open after all"))
}

async fn about_project<S: Statements, R: Random>(
    change: &Change<'_, S, R>,
    input: &Input,
    project_id: &str,
) -> Result<String, Error> {
    let project = match project::get(change.tx, project_id).await {
        Err(StoreError::Refused(_)) => {
            let problem = format!("there is no project {project_id}");
            return Err(Error::invalid_fields().field("project_id", problem));
        }
        other => other?,
    };
    let fingerprint = if input.kind == Kind::ProjectClose {
        if project.status == ProjectStatus::Closed {
            let message = format!("Project {} is closed already.", project.name);
            return Err(Refusal::conflict("project_closed", message).into());
        }
        if project.is_perpetual {
            let message = format!(
                "Project {} is perpetual and never closes. Set is_perpetual to false first.",
                project.name
            );
            return Err(Refusal::conflict("project_is_perpetual", message).into());
        }
        project_close_fingerprint(project_id)
    } else {
        format!("asked:{project_id}:{}", input.question.trim())
    };
    let new = input.question(fingerprint);
    decision::refuse_open(change.tx, &new.fingerprint).await?;
    let asked = decision::ask_about_project(change, Some(project_id), &new, &input.context).await?;
    asked.ok_or_else(|| Error::internal("the question was open after all"))
}
