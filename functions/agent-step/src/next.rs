//! What follows a step: the next one, the end, or a pause.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use loom_api::Settings;
use loom_domain::run::{EndReason, Hold};
use loom_platform::{Database, HttpClient, Platform, Transaction};
use loom_store::{
    Change,
    run::{self, Leased},
};

use crate::{ending, step, stop::Stop};

const STEP: &str = "http://agent-step.spin.internal/internal/step";
const LONGEST: Duration = Duration::from_secs(10);

/// How soon a run is taken up again after something failed that should not, in milliseconds.
const AFTER_FAILURE_MS: i64 = 5_000;

/// What a step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The run is in the queue for its next step.
    Step,
    /// The run waits for other beads or for a person; its agent is free.
    Waiting,
    /// The run has ended.
    Ended,
}

/// Takes one step of a leased run and sees to what follows.
pub(crate) async fn work<P: Platform>(platform: &P, settings: Settings, leased: Leased) {
    let hold = &leased.hold;
    let outcome = match step::take(platform, &settings, &leased).await {
        Err(Stop::End(reason)) => ending::end(platform, &settings, hold, reason)
            .await
            .map(|()| Next::Ended),
        other => other,
    };
    match outcome {
        Ok(Next::Step) => call_next(platform, &hold.run_id).await,
        // What it waits for may be ready, and its agent is free for it. The working copy stays.
        Ok(Next::Waiting) => loom_api::nudge(platform),
        Ok(Next::Ended) => {
            ending::close_workspace(platform, &leased).await;
            loom_api::nudge(platform);
        }
        Err(Stop::Stale) => {
            log(
                hold,
                "info",
                "the run was taken over or ended; this holder stops",
                "",
            );
            // A run that a person stopped has nobody else who would clear up after it.
            ending::close_workspace(platform, &leased).await;
        }
        Err(Stop::Park { after_ms, why }) => {
            log(
                hold,
                "info",
                "the run waits and is taken up again later",
                &why,
            );
            pause(platform, hold, after_ms, &why).await;
        }
        Err(Stop::Failed(error)) => {
            log(
                hold,
                "error",
                "the step failed; it is taken up again",
                &format!("{error:?}"),
            );
            let reason = format!("{}: {}", error.code(), error.message());
            pause(platform, hold, AFTER_FAILURE_MS, &reason).await;
        }
        Err(Stop::End(reason)) => log(
            hold,
            "error",
            "the run could not be ended; the tick will",
            reason_word(&reason),
        ),
    }
}

async fn call_next<P: Platform>(platform: &P, run_id: &str) {
    let body = serde_json::json!({ "run_id": run_id }).to_string();
    let Ok(request) = http::Request::post(STEP)
        .header(CONTENT_TYPE, "application/json")
        .body(Bytes::from(body))
    else {
        return;
    };
    if let Err(error) = platform.http().send(request, LONGEST).await {
        loom_api::log(
            "warn",
            "the next step could not be called; the tick will",
            [("run_id", run_id), ("cause", &error.to_string())],
        );
    }
}

async fn pause<P: Platform>(platform: &P, hold: &Hold, after_ms: i64, reason: &str) {
    let handed_over = async {
        let tx = platform.database().transaction().await?;
        let change = Change::new(&tx, platform.random(), "agent-step").await?;
        run::pause(&change, hold, after_ms, reason).await?;
        tx.commit().await?;
        Ok::<(), Stop>(())
    };
    if handed_over.await.is_err() {
        log(
            hold,
            "warn",
            "the run could not be put back; the tick finds it when its lease runs out",
            "",
        );
    }
}

fn log(hold: &Hold, level: &str, message: &str, cause: &str) {
    loom_api::log(
        level,
        message,
        [
            ("run_id", &hold.run_id),
            ("bead_id", &hold.bead_id),
            ("cause", cause),
        ],
    );
}

fn reason_word(reason: &EndReason) -> &'static str {
    match reason {
        EndReason::Failed { .. } => "failed",
        EndReason::Cancelled { .. } => "cancelled",
        _ => "ended",
    }
}
