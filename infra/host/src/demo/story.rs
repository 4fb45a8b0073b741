//! The event stream, told line by line: stage by stage, who works, what they do, and what it came to.

use super::api::Api;
use super::describe;
use super::paint::{Paint, WIDTH, dollars, line, say, thousands, wrapped};
use super::team::Team;
use chrono::DateTime;
use serde_json::Value;
use std::time::Duration;

/// How many columns the time takes.
const CLOCK: usize = 9;
/// Where what belongs to a stage as a whole begins, and where an action does.
const STAGE: usize = 11;
const ACTION: usize = 36;
/// The longest text of others that is told.
const NOTE: usize = 320;

/// How the work on the bead ended.
pub(super) enum End {
    /// It is closed.
    Closed,
    /// It waits for a person; why.
    Blocked(String),
}

/// One run.
pub(super) struct Stage {
    pub(super) run_id: String,
    /// The node of the workflow at which it worked.
    pub(super) node: String,
}

/// Tells what happens to one bead.
pub(super) struct Story<'a> {
    api: &'a Api,
    paint: Paint,
    bead_id: &'a str,
    team: &'a Team,
    /// Whether what the model says beside its actions is shown.
    notes: bool,
    /// When the bead was filed, in milliseconds.
    filed_ms: i64,
    /// When the event being told happened, in milliseconds after that.
    at_ms: i64,
    /// Tokens and cost of the step whose first action was not told yet.
    usage: Option<(i64, i64)>,
    /// The node at which the work is.
    node: String,
    stages: Vec<Stage>,
    why: String,
}

impl<'a> Story<'a> {
    pub(super) fn new(
        api: &'a Api,
        paint: Paint,
        bead_id: &'a str,
        team: &'a Team,
        notes: bool,
    ) -> Self {
        Self {
            api,
            paint,
            bead_id,
            team,
            notes,
            filed_ms: 0,
            at_ms: 0,
            usage: None,
            node: String::new(),
            stages: Vec::new(),
            why: "nobody said why".to_owned(),
        }
    }

    /// The runs that were told, oldest first.
    pub(super) fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// Tells one event, and says whether it is the end.
    pub(super) async fn tell(&mut self, event: &Value) -> Result<Option<End>, String> {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("bead_id") != self.bead_id {
            return Ok(None);
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text("created_at")) {
            let at = at.timestamp_millis();
            if text("type") == "bead.created" {
                self.filed_ms = at;
            }
            self.at_ms = at - self.filed_ms;
        }
        let data = event.get("data").unwrap_or(&Value::Null);
        let fact = |name: &str| data.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| data.get(name).and_then(Value::as_i64).unwrap_or_default();
        match text("type") {
            "run.created" => self.begin_run(text("run_id"), text("agent_id")),
            "step.replied" => {
                let tokens = number("prompt_tokens") + number("completion_tokens");
                self.usage = Some((tokens, number("cost_micro_usd")));
            }
            "action.performed" => {
                let place = (number("step"), number("position"));
                self.action(text("run_id"), place).await?;
            }
            "step.ended" if data.get("usable").and_then(Value::as_bool) == Some(false) => {
                self.usage = None;
                let told = "the reply held no usable action; the model is told";
                self.note(&self.paint.bad(told));
            }
            "run.status_change" if fact("status") == "waiting" => {
                self.note(&format!("the run {}", fact("reason")));
            }
            "run.requeued" => self.note("the run was left by its worker and is taken up again"),
            "budget.exceeded" => {
                let told = format!("the {} budget is used up", fact("scope"));
                self.note(&self.paint.bad(&told));
            }
            "run.ended" => {
                self.why = format!("{}: {}", fact("code"), line(fact("message"), NOTE));
                // What gives up concludes its stage, and is told as that.
                if fact("status") != "succeeded" && fact("code") != "gave_up" {
                    let told = format!("the run {} ({})", fact("status"), self.why);
                    self.note(&self.paint.bad(&told));
                }
            }
            "workflow.started" => self.node = fact("node").to_owned(),
            "workflow.advanced" | "workflow.status_change" | "workflow.ended" => {
                self.record(data.get("record").unwrap_or(&Value::Null));
                self.node = fact("node").to_owned();
            }
            "decision.created" => {
                let told = format!("a person is asked: {}", line(fact("question"), NOTE));
                self.note(&self.paint.bad(&told));
            }
            "bead.status_change" => match fact("status") {
                "closed" => {
                    let told = format!("{} is closed", self.bead_id);
                    say("");
                    self.tell_at(STAGE, &self.paint.good(&told));
                    return Ok(Some(End::Closed));
                }
                "blocked" => return self.blocked().await,
                _ => {}
            },
            _ => {}
        }
        Ok(None)
    }

    /// Tells who begins to work at the node.
    fn begin_run(&mut self, run_id: &str, agent_id: &str) {
        let before = self.stages.iter().filter(|one| one.node == self.node);
        let again = match before.count() {
            0 => String::new(),
            before => format!(", run {} at this node", before + 1),
        };
        let node = self.paint.bold(&self.node);
        say("");
        self.tell_at(
            STAGE,
            &format!("{node}: {}{again}", self.team.name(agent_id)),
        );
        self.stages.push(Stage {
            run_id: run_id.to_owned(),
            node: self.node.clone(),
        });
    }

    /// Tells what happened to the workflow.
    fn record(&self, record: &Value) {
        let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
        let outcome = match text("outcome") {
            good @ ("success" | "approved") => self.paint.good(good),
            bad => self.paint.bad(bad),
        };
        let who = match (text("outcome"), text("agent_id")) {
            ("timeout", "") => "its time ran out".to_owned(),
            (_, agent_id) => format!("by {}", self.team.name(agent_id)),
        };
        let from = text("from");
        let told = match text("type") {
            "advanced" => match text("to") {
                "" => format!("{from}: {outcome} {who}, the end of the workflow"),
                to => format!("{from}: {outcome} {who}, next {to}"),
            },
            "escalated" => {
                let code = text("code");
                format!("{from}: {outcome} {who}; a person has to say how it goes on ({code})")
            }
            "paused" => "the workflow is paused".to_owned(),
            "resumed" => "a person lets the workflow go on".to_owned(),
            "restarted" => format!("a person puts the work to {}", text("node")),
            "accepted" => "a person takes the work as it is".to_owned(),
            "cancelled" => format!("the workflow is cancelled: {}", text("reason")),
            // A failed attempt is told with its run, and a signal with what it leads to.
            _ => return,
        };
        self.tell_at(STAGE, &told);
        let note = line(text("note"), NOTE);
        if !note.is_empty() {
            let quoted = format!("\u{201c}{note}\u{201d}");
            for part in wrapped(&quoted, WIDTH - STAGE) {
                say(&format!("{:STAGE$}{}", "", self.paint.dim(&part)));
            }
        }
    }

    /// The end, if the bead waits for a person; else something else holds it, and it goes on by itself.
    async fn blocked(&self) -> Result<Option<End>, String> {
        let path = format!("/api/v1/beads/{}/decisions", self.bead_id);
        let decisions = self.api.get(&path).await?;
        let is = |decision: &Value, name: &str, value: &str| {
            decision.get(name).and_then(Value::as_str) == Some(value)
        };
        let open: Vec<&Value> = decisions
            .as_array()
            .into_iter()
            .flatten()
            .filter(|decision| is(decision, "status", "open"))
            .collect();
        let human = open.iter().find(|one| is(one, "assignee", "human"));
        if let Some(decision) = human {
            let question = decision.get("question").and_then(Value::as_str);
            let question = line(question.unwrap_or_default(), NOTE);
            return Ok(Some(End::Blocked(format!("{question} ({})", self.why))));
        }
        self.note(match open.is_empty() {
            true => "the bead is held",
            false => "the bead is held until the decision-maker has answered",
        });
        Ok(None)
    }

    /// Tells an action: what it was, what it brought, and with a step's first action what the step cost.
    async fn action(&mut self, run_id: &str, place: (i64, i64)) -> Result<(), String> {
        let path = format!("/api/v1/beads/{}/runs/{run_id}", self.bead_id);
        let run = self.api.get(&path).await?;
        let Some((step, action)) = journalled(&run, place) else {
            return Ok(());
        };
        let text = |name: &str| action.get(name).and_then(Value::as_str).unwrap_or_default();
        let what = action.get("action").unwrap_or(&Value::Null);
        let status = text("status");
        let brought = action.pointer("/result/text").and_then(Value::as_str);
        let result = describe::result(what, status, text("code"), brought.unwrap_or_default());
        let usage = self.usage.take();
        let is_first = usage.is_some();
        if is_first && self.notes {
            let said = step.pointer("/reply/content").and_then(Value::as_str);
            let said = line(said.unwrap_or_default(), NOTE);
            if !said.is_empty() {
                self.note(&format!("\u{201c}{said}\u{201d}"));
            }
        }
        let numbers = match usage {
            Some((tokens, cost)) => {
                format!(
                    "{:>4}  {:>7}  {:>8}",
                    place.0,
                    thousands(tokens),
                    dollars(cost)
                )
            }
            None => String::new(),
        };
        let name = format!("{:<10}", text("name"));
        let width = WIDTH.saturating_sub(ACTION + name.chars().count() + 1);
        let (subject, result) = describe::fitted(&describe::subject(what), &result, width);
        let result = match status {
            "ok" => result,
            _ => self.paint.bad(&result),
        };
        let gap = match subject.is_empty() || result.is_empty() {
            true => "",
            false => "  ",
        };
        say(&format!(
            "{}  {}  {} {subject}{gap}{result}",
            self.clock(),
            self.paint.dim(&format!("{numbers:<23}")),
            self.paint.name(&name),
        ));
        Ok(())
    }

    /// Prints the heads of the columns.
    pub(super) fn begin(&self) {
        let heads = "    after  step   tokens      cost  action";
        say(&format!("\n{}", self.paint.dim(heads)));
    }

    /// Says that nothing happened for a while, and what was logged last.
    pub(super) fn quiet(&mut self, how_long: Duration, logged: &str) {
        self.at_ms += i64::try_from(how_long.as_millis()).unwrap_or_default();
        let logged = match logged {
            "" => String::new(),
            _ => format!("; logged last: {}", line(logged, NOTE)),
        };
        self.note(&format!("nothing new for {} s{logged}", how_long.as_secs()));
    }

    /// Tells something beside the actions.
    fn note(&self, text: &str) {
        self.tell_at(ACTION, text);
    }

    /// Tells something with the time, from a column on.
    fn tell_at(&self, column: usize, text: &str) {
        let clock = self.clock();
        for (number, line) in wrapped(text, WIDTH - column).into_iter().enumerate() {
            match number {
                0 => say(&format!("{clock}{:1$}{line}", "", column - CLOCK)),
                _ => say(&format!("{:column$}{line}", "")),
            }
        }
    }

    /// How long after the filing of the bead it is, by the times of the events.
    #[allow(clippy::cast_precision_loss, reason = "a tenth of a second is enough")]
    fn clock(&self) -> String {
        let seconds = self.at_ms as f64 / 1000.0;
        self.paint.dim(&format!("{seconds:>7.2} s"))
    }
}

/// The step and the action at a place of a run's journal.
fn journalled(run: &Value, (step, position): (i64, i64)) -> Option<(&Value, &Value)> {
    let is = |value: &&Value, name: &str, number: i64| {
        value.get(name).and_then(Value::as_i64) == Some(number)
    };
    let steps = run.get("steps")?.as_array()?;
    let step = steps.iter().find(|one| is(one, "number", step))?;
    let actions = step.get("actions")?.as_array()?;
    let action = actions.iter().find(|one| is(one, "position", position))?;
    Some((step, action))
}
