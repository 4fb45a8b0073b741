//! The handling of one delivery: what it asks for is read, what must be asked of GitHub is asked, and then everything is
//! done in one transaction, together with the note that it was done.

use loom_api::Error;
use loom_domain::{
    delivery::{Delivery, DeliveryStatus, MAX_ATTEMPTS},
    github::intent::{self, Ignored, Intent, Known, Verdict},
    project::Project,
    time::Timestamp,
};
use loom_github::GithubError;
use loom_platform::{Database, DatabaseError, Platform, Transaction};
use loom_store::{
    Change, StoreError, agent,
    delivery::{self, Claimed, End},
    github::{self, Applied, Facts},
};
use serde_json::Value;

use crate::{ACTOR, ask, packed};

/// Why a delivery could not be handled now.
struct Problem {
    code: String,
    message: String,
    /// GitHub takes no calls before.
    wait_until: Option<Timestamp>,
}

impl From<GithubError> for Problem {
    fn from(error: GithubError) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            wait_until: error.retry_at(),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let code = match &error {
            StoreError::Refused(refusal) => refusal.code,
            StoreError::Database(_) => "database_failed",
            StoreError::Corrupt(_) => "database_corrupt",
        };
        Self {
            code: code.to_owned(),
            message: error.to_string(),
            wait_until: None,
        }
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        StoreError::from(error).into()
    }
}

/// Handles a delivery that was taken for it. Returns whether there may be work for the dispatcher.
///
/// A failure is recorded on the delivery, which is tried again later; an error means that not even that was possible.
pub(crate) async fn one<P: Platform>(platform: &P, claimed: Claimed) -> Result<bool, Error> {
    let outcome = if claimed.delivery.attempts > MAX_ATTEMPTS {
        Err(Problem {
            code: "handler_died".to_owned(),
            message: format!("It was begun {MAX_ATTEMPTS} times and never brought to an end."),
            wait_until: None,
        })
    } else {
        attempt(platform, &claimed).await
    };
    match outcome {
        Ok(nudge) => return Ok(nudge),
        // Another handler has it: nothing was done here.
        Err(problem) if problem.code == "delivery_taken" => {}
        Err(problem) => give_back(platform, &claimed, &problem).await?,
    }
    Ok(false)
}

async fn give_back<P: Platform>(
    platform: &P,
    claimed: &Claimed,
    problem: &Problem,
) -> Result<(), Error> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    let Problem {
        code,
        message,
        wait_until,
    } = problem;
    delivery::release(&change, claimed, code, message, *wait_until).await?;
    tx.commit().await?;
    let delivery = &claimed.delivery;
    let facts = [
        ("delivery_id", delivery.id.as_str()),
        ("event", &delivery.event),
        ("code", code),
        ("cause", message),
    ];
    loom_api::log("warn", "a delivery could not be handled", facts);
    Ok(())
}

/// Whether the dispatcher is to be nudged.
async fn attempt<P: Platform>(platform: &P, claimed: &Claimed) -> Result<bool, Problem> {
    let delivery = &claimed.delivery;
    let Some(payload) = payload(platform, delivery).await? else {
        let why = "What it held is not kept any more.";
        return end(
            platform,
            claimed,
            DeliveryStatus::Failed,
            "payload_gone",
            why,
        )
        .await;
    };
    let names = intent::repositories(&delivery.event, &payload);
    let Some(project) = github::project_of(platform.database(), &names).await? else {
        let ignored = Ignored::unknown_repository(delivery.repository.as_deref().unwrap_or("?"));
        return ignore(platform, claimed, &ignored).await;
    };
    let settings = project.github.clone().unwrap_or_default();
    let own_login = ask::own_login(platform).await?;
    let known = Known {
        settings: &settings,
        own_login: own_login.as_deref(),
        branch: &project.branch,
    };
    let mut intents = match intent::of(&delivery.event, &payload, known) {
        Verdict::Ignore(ignored) => return ignore(platform, claimed, &ignored).await,
        Verdict::Act(intents) => intents,
    };
    drop(payload);
    once_a_delivery(&mut intents, delivery);
    let installation = settings.installation_id.or(delivery.installation_id);
    let writers = ask::writers(platform, &project, installation, &intents).await?;
    apply(platform, claimed, &project, &intents, Facts { writers }).await
}

/// What is told once a delivery is told once, however often the delivery is replayed.
fn once_a_delivery(intents: &mut [Intent], delivery: &Delivery) {
    for intent in intents {
        if let Intent::Announce(announcement) = intent
            && announcement.once.is_none()
        {
            announcement.once = Some(format!("delivery:{}", delivery.id));
        }
    }
}

async fn apply<P: Platform>(
    platform: &P,
    claimed: &Claimed,
    project: &Project,
    intents: &[Intent],
    facts: Facts,
) -> Result<bool, Problem> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    let applied = github::apply(&change, project, intents, &facts).await?;
    let why = reasons(&applied);
    let bead_id = applied.filed.first().or(applied.beads.first());
    let outcome = if !applied.filed.is_empty() {
        "filed"
    } else if !applied.beads.is_empty() {
        "applied"
    } else {
        applied.notes.first().map_or("recorded", |note| note.code)
    };
    let status = if intents.is_empty() {
        DeliveryStatus::Ignored
    } else {
        DeliveryStatus::Processed
    };
    let end = End {
        status,
        outcome,
        why: why.as_deref(),
        bead_id: bead_id.map(String::as_str),
    };
    delivery::finish(&change, claimed, end).await?;
    // An issue's new bead is work only while an agent is free: who becomes free asks for it. So a burst of issues does not
    // become a burst of ticks, which would get in the way of the answers to the next ones.
    let waits = claimed.delivery.event == "issues" && !applied.filed.is_empty();
    let nudge = applied.nudge && (!waits || agent::any_idle(&tx).await?);
    tx.commit().await?;
    Ok(nudge)
}

fn reasons(applied: &Applied) -> Option<String> {
    let reasons: Vec<&str> = applied.notes.iter().map(|note| note.why.as_str()).collect();
    (!reasons.is_empty()).then(|| reasons.join(" "))
}

async fn ignore<P: Platform>(
    platform: &P,
    claimed: &Claimed,
    ignored: &Ignored,
) -> Result<bool, Problem> {
    let status = DeliveryStatus::Ignored;
    end(platform, claimed, status, ignored.code, &ignored.why).await
}

async fn end<P: Platform>(
    platform: &P,
    claimed: &Claimed,
    status: DeliveryStatus,
    outcome: &str,
    why: &str,
) -> Result<bool, Problem> {
    let tx = platform.database().transaction().await?;
    let change = Change::new(&tx, platform.random(), ACTOR).await?;
    let end = End {
        status,
        outcome,
        why: Some(why),
        bead_id: None,
    };
    delivery::finish(&change, claimed, end).await?;
    tx.commit().await?;
    Ok(false)
}

async fn payload<P: Platform>(platform: &P, delivery: &Delivery) -> Result<Option<Value>, Problem> {
    let Some(stored) = delivery::payload(platform.database(), &delivery.id).await? else {
        return Ok(None);
    };
    let unreadable = |message: String| Problem {
        code: "payload_unreadable".to_owned(),
        message,
        wait_until: None,
    };
    let bytes = packed::unpack(stored).map_err(|error| unreadable(error.message().to_owned()))?;
    let value = serde_json::from_slice(&bytes).map_err(|error| unreadable(error.to_string()))?;
    Ok(Some(value))
}
