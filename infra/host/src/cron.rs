//! Cron triggers. As in Spin: six fields, seconds first, in UTC; nothing that was missed is caught up; an error is
//! logged and not retried. Unlike in Spin, an occurrence is skipped while the one before still runs.

use crate::deadline::Activity;
use crate::function::{Context, Directory};
use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use loom_host_bindings::cron::spin::cron::cron_types::{Error, Metadata};
use loom_host_bindings::cron::{SpinCron, SpinCronPre};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use wasmtime::Store;

/// An occurrence that takes longer is dropped, and its instance with it.
const LIMIT: Duration = Duration::from_secs(60);

/// Reads a schedule, or says what is wrong with it.
pub(crate) fn parse(expression: &str) -> Result<Cron, String> {
    CronParser::builder().seconds(Seconds::Required)
        .year(Year::Disallowed).dom_and_dow(true).build().parse(expression).map_err(|error| {
        format!("{expression:?} is not a schedule ({error}); write six fields: second minute hour day month weekday")
    })
}

/// Calls `component` at every occurrence of `schedule` until `stop` is cancelled.
pub(crate) async fn run(
    directory: Arc<Directory>,
    component: String,
    schedule: Cron,
    stop: CancellationToken,
) {
    let Some(function) = directory.function(&component) else {
        return;
    };
    let logs = function.grants.logs.clone();
    let pre = match SpinCronPre::new(function.pre.clone()) {
        Ok(pre) => Arc::new(pre),
        Err(error) => {
            logs.host(&format!(
                "{component} has no handle-cron-event, so its schedule does nothing: {error:#}"
            ));
            return;
        }
    };
    let mut running: Option<tokio::task::JoinHandle<()>> = None;
    let mut after = Utc::now();
    loop {
        let Ok(next) = schedule.find_next_occurrence(&after, false) else {
            logs.host(&format!(
                "the schedule of {component} has no further occurrence"
            ));
            return;
        };
        if !wait_until(next, &stop).await {
            return;
        }
        // What passed meanwhile, for example while the machine slept, is not caught up.
        after = next.max(Utc::now());
        if running
            .as_ref()
            .is_some_and(|running| !running.is_finished())
        {
            logs.host(&format!(
                "{component} still runs; its occurrence at {} is skipped",
                next.to_rfc3339()
            ));
            continue;
        }
        let (pre, grants, logs, component) = (
            pre.clone(),
            function.grants.clone(),
            logs.clone(),
            component.clone(),
        );
        running = Some(tokio::spawn(async move {
            let activity = Arc::new(Activity::default());
            let called = async {
                let mut store = grants.store(pre.engine(), &activity)?;
                let instance = pre.instantiate_async(&mut store).await?;
                call(&mut store, &instance).await
            };
            match tokio::time::timeout(LIMIT, called).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(Error::Other(reason)))) => {
                    logs.host(&format!("{component} failed: {reason}"))
                }
                Ok(Err(error)) => logs.host(&format!("{component} ended: {error:?}")),
                Err(_) => logs.host(&format!(
                    "{component} took longer than {LIMIT:?} and was dropped"
                )),
            }
        }));
    }
}

/// Whether the time came before the stop. In steps, so that a clock that was set is noticed.
async fn wait_until(next: DateTime<Utc>, stop: &CancellationToken) -> bool {
    loop {
        let left = (next - Utc::now()).to_std().unwrap_or_default();
        if left.is_zero() {
            return !stop.is_cancelled();
        }
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(left.min(Duration::from_secs(60))) => {}
        }
    }
}

async fn call(
    store: &mut Store<Context>,
    instance: &SpinCron,
) -> wasmtime::Result<Result<(), Error>> {
    store
        .run_concurrent(async |accessor| {
            let metadata = Metadata {
                timestamp: crate::clock::unix_seconds(),
            };
            let result = instance.call_handle_cron_event(accessor, metadata).await?;
            // What the component spawned dies with the store, so it is waited for.
            std::future::poll_fn(|cx| accessor.poll_no_interesting_tasks(cx)).await;
            wasmtime::error::Ok(result)
        })
        .await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn next(expression: &str, after: &str) -> String {
        let after: DateTime<Utc> = after.parse().unwrap();
        parse(expression)
            .unwrap()
            .find_next_occurrence(&after, false)
            .unwrap()
            .to_rfc3339()
    }

    #[test]
    fn seconds_come_first_and_the_zone_is_utc() {
        assert_eq!(
            next("*/10 * * * * *", "2026-01-01T00:00:00Z"),
            "2026-01-01T00:00:10+00:00"
        );
        assert_eq!(
            next("*/30 * * * * *", "2026-01-01T00:00:31.5Z"),
            "2026-01-01T00:01:00+00:00"
        );
        assert_eq!(
            next("0 30 4 * * MON", "2026-01-01T00:00:00Z"),
            "2026-01-05T04:30:00+00:00"
        );
    }

    #[test]
    fn a_day_of_the_month_and_a_weekday_must_both_fit() {
        // The first Friday the 13th of 2026.
        assert_eq!(
            next("0 0 0 13 * FRI", "2026-01-01T00:00:00Z"),
            "2026-02-13T00:00:00+00:00"
        );
    }

    #[test]
    fn five_or_seven_fields_are_refused() {
        for expression in ["*/10 * * * *", "0 0 0 1 1 * 2027", "x * * * * *", ""] {
            let reason = parse(expression).unwrap_err();
            assert!(reason.contains("six fields"), "{reason}");
        }
    }
}
