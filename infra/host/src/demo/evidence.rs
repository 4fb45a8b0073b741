//! What it came to: a table, and checks that do not take Loom's word for it.

use super::PRICES;
use super::api::Api;
use super::command::Program;
use super::describe::counted;
use super::history::History;
use super::paint::{Paint, dollars, row, say, short, thousands};
use super::specimen::BUG;
use super::stage::{BRANCH, Repository, State};
use super::story::Stage;
use super::team::Team;
use serde_json::Value;
use std::path::Path;
use std::time::Duration;

/// What is to be looked at.
pub(super) struct Outcome<'a> {
    pub(super) bead_id: &'a str,
    pub(super) team: &'a Team,
    /// Each run as it was told.
    pub(super) stages: &'a [Stage],
    /// From filing to closing.
    pub(super) took: Duration,
    /// Whether the scripted model was at work, of which more is known beforehand.
    pub(super) is_scripted: bool,
}

/// Prints the summary of the bead and the branch, checks that the fix is where it should be and came there by the
/// workflow, and says what is not as it should be.
pub(super) async fn present(
    api: &Api,
    paint: Paint,
    repository: &Repository,
    scratch: &Path,
    outcome: &Outcome<'_>,
) -> Result<(), String> {
    let bead_id = outcome.bead_id;
    let bead = api.get(&format!("/api/v1/beads/{bead_id}")).await?;
    let runs = api.get(&format!("/api/v1/beads/{bead_id}/runs")).await?;
    let runs: &[Value] = runs.as_array().map_or(&[], Vec::as_slice);
    let history = History::of(api, bead_id).await?;
    let text = |value: &Value, name: &str| {
        value
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or("none")
            .to_owned()
    };
    let status = text(&bead, "status");
    let commit = text(&bead, "commit");
    let tests = Tests::of_a_fresh_clone(repository, scratch).await?;

    say(&format!("\n{}", paint.bold("Summary")));
    row("bead", &format!("{bead_id}, {status}"));
    let way = history.stops().join(" → ");
    row("workflow", &format!("{}: {way}", history.status));
    show_runs(runs, outcome);
    row("steps", &sum(runs, "/steps").to_string());
    row("actions", &actions(runs));
    let (read, written) = (
        sum(runs, "/usage/prompt_tokens"),
        sum(runs, "/usage/completion_tokens"),
    );
    let tokens = format!("{} read, {} written", thousands(read), thousands(written));
    row("tokens", &tokens);
    let cost = sum(runs, "/usage/cost_micro_usd");
    row("cost", &dollars(cost));
    let time = format!("{:.1} s from filing to closing", outcome.took.as_secs_f64());
    row("time", &time);
    row(
        "branch",
        &runs
            .last()
            .map_or_else(String::new, |run| text(run, "branch")),
    );
    row("commit", &format!("{} on main", short(&commit)));
    row(
        "tests",
        &format!("{}, in a fresh clone of main", tests.told),
    );

    let heading = paint.dim("$ git log --oneline -3");
    repository
        .show(&["log", "--oneline", "-3"], &heading)
        .await?;
    let broken = repository.broken.as_str();
    let heading = paint.dim(&format!("$ git diff --stat {}..main", short(broken)));
    repository
        .show(&["diff", "--stat", broken, BRANCH], &heading)
        .await?;

    let head = repository.git(&["rev-parse", BRANCH]).await?;
    let words = ["merge-base", "--is-ancestor", &commit, BRANCH];
    let is_merged = head.trim() != broken && repository.git(&words).await.is_ok();
    let (is_fixed, file) = match (repository.state().await?, outcome.is_scripted) {
        (State::AsPublished, _) => (true, "is byte for byte as it was published"),
        (State::Different, false) => (true, "is no longer the broken one"),
        (State::Different, true) => (false, "is as it was published"),
        (State::Broken, _) => (false, "is no longer the broken one"),
    };
    let (approver, is_by_another) = history.approval().unwrap_or_default();
    let mut checks = vec![
        (status == "closed", "the bead is closed".to_owned()),
        (
            history.is_sound(outcome.is_scripted),
            "the fix was approved before it was applied, and then handed over".to_owned(),
        ),
        (
            is_by_another,
            format!(
                "{} approved it, and did not investigate",
                outcome.team.name(approver)
            ),
        ),
        (
            is_merged,
            format!("main holds the commit that closed it, {}", short(&commit)),
        ),
        (is_fixed, format!("{} on main {file}", BUG.file)),
        (
            tests.all_pass,
            "the crate's own tests pass on main".to_owned(),
        ),
    ];
    if outcome.is_scripted {
        let (prompt, completion) = PRICES;
        let exact = (read * prompt + written * completion) / 1_000_000;
        checks.push((
            cost == exact,
            format!("every token was paid for, {} in all", dollars(exact)),
        ));
    }
    say("");
    for (held, claim) in &checks {
        let sign = if *held {
            paint.good("ok ")
        } else {
            paint.bad("NOT")
        };
        say(&format!("  {sign}  {claim}"));
    }
    let broken: Vec<&str> = checks
        .iter()
        .filter(|(held, _)| !held)
        .map(|(_, claim)| claim.as_str())
        .collect();
    if broken.is_empty() {
        Ok(())
    } else {
        Err(format!("it is not true that {}", broken.join(", or that ")))
    }
}

/// Prints who worked at which node, and what it took.
fn show_runs(runs: &[Value], outcome: &Outcome<'_>) {
    let mut label = "runs";
    for run in runs {
        let part = |name: &str| run.get(name).and_then(Value::as_str).unwrap_or_default();
        let stage = outcome.stages.iter().find(|one| one.run_id == part("id"));
        let one = std::slice::from_ref(run);
        row(
            label,
            &format!(
                "{}, {}: {} steps, {}",
                stage.map_or("somewhere", |stage| stage.node.as_str()),
                outcome.team.name(part("agent_id")),
                sum(one, "/steps"),
                dollars(sum(one, "/usage/cost_micro_usd")),
            ),
        );
        label = "";
    }
}

fn sum(runs: &[Value], pointer: &str) -> i64 {
    runs.iter()
        .filter_map(|run| run.pointer(pointer)?.as_i64())
        .sum()
}

/// `10: test 2, read_file 3, …`, most frequent first.
fn actions(runs: &[Value]) -> String {
    let mut counts: Vec<(&str, i64)> = Vec::new();
    let all = runs
        .iter()
        .filter_map(|run| run.get("actions")?.as_array())
        .flatten();
    for action in all {
        let name = action
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let count = action
            .get("count")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        match counts.iter_mut().find(|(known, _)| *known == name) {
            Some((_, sum)) => *sum += count,
            None => counts.push((name, count)),
        }
    }
    counts.sort_by_key(|(name, count)| (-count, *name));
    let total: i64 = counts.iter().map(|(_, count)| count).sum();
    let each: Vec<String> = counts
        .iter()
        .map(|(name, count)| match count {
            1 => (*name).to_owned(),
            _ => format!("{count} {name}"),
        })
        .collect();
    format!("{total}: {}", each.join(", "))
}

/// What the crate's own tests say.
pub(super) struct Tests {
    pub(super) all_pass: bool,
    /// In words.
    pub(super) told: String,
}

impl Tests {
    /// The tests in `directory`.
    pub(super) async fn of(directory: &Path, scratch: &Path) -> Result<Self, String> {
        let target = scratch.join("target");
        let words = ["test", "--offline", "--no-fail-fast"];
        let ended = Program::cargo(directory, &target, &words).run().await?;
        let (passed, failed) = counted(&ended.stdout);
        if passed + failed == 0 {
            return Err(format!(
                "the crate's tests can't be run here:\n{}",
                ended.stderr.trim_end()
            ));
        }
        Ok(Self {
            all_pass: ended.succeeded && failed == 0,
            told: match failed {
                0 => format!("all {passed} pass"),
                _ => format!("{failed} of {} fail", passed + failed),
            },
        })
    }

    async fn of_a_fresh_clone(repository: &Repository, scratch: &Path) -> Result<Self, String> {
        let clone = scratch.join("clone");
        let to = clone.to_string_lossy();
        repository
            .git(&["clone", "--quiet", "--branch", "main", ".", &to])
            .await?;
        Self::of(&clone, scratch).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn actions_are_summed_over_runs() {
        let runs = [
            json!({"steps": 2, "actions": [{"name": "test", "status": "ok", "count": 1}, {"name": "test", "status": "error", "count": 1}]}),
            json!({"steps": 3, "actions": [{"name": "done", "status": "ok", "count": 1}]}),
        ];
        assert_eq!(actions(&runs), "3: 2 test, done");
        assert_eq!(sum(&runs, "/steps"), 5);
    }
}
