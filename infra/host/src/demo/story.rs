//! The event stream, told line by line.

use super::api::Api;
use super::describe;
use super::paint::{Paint, dollars, line, say, thousands};
use chrono::DateTime;
use serde_json::Value;
use std::time::Duration;

/// How the work on the bead ended.
pub(super) enum End {
    /// It is closed.
    Closed,
    /// It waits for a person; why.
    Blocked(String),
}

/// Tells what happens to one bead.
pub(super) struct Story<'a> {
    api: &'a Api,
    paint: Paint,
    bead_id: &'a str,
    agent: &'a str,
    /// Whether what the model says beside its actions is shown.
    notes: bool,
    /// When the bead was filed, in milliseconds.
    filed_ms: i64,
    /// When the event being told happened, in milliseconds after that.
    at_ms: i64,
    /// Tokens and cost of the step whose first action was not told yet.
    usage: Option<(i64, i64)>,
    why: String,
}

impl<'a> Story<'a> {
    pub(super) fn new(
        api: &'a Api,
        paint: Paint,
        bead_id: &'a str,
        agent: &'a str,
        notes: bool,
    ) -> Self {
        Self {
            api,
            paint,
            bead_id,
            agent,
            notes,
            filed_ms: 0,
            at_ms: 0,
            usage: None,
            why: "nobody said why".to_owned(),
        }
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
            "run.created" => {
                let attempt = match number("attempt") {
                    1 => String::new(),
                    attempt => format!(", attempt {attempt}"),
                };
                self.note(&format!("claimed for {}{attempt}", self.agent));
            }
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
            "run.requeued" => self.note("the run was left by its worker and is taken up again"),
            "budget.exceeded" => {
                let told = format!("the {} budget is used up", fact("scope"));
                self.note(&self.paint.bad(&told));
            }
            "run.ended" => {
                self.why = format!("{}: {}", fact("code"), line(fact("message"), 300));
                if fact("status") != "succeeded" {
                    let told = format!("the run {} ({})", fact("status"), self.why);
                    self.note(&self.paint.bad(&told));
                }
            }
            "decision.created" => {
                let told = format!("a person is asked: {}", line(fact("question"), 200));
                self.note(&self.paint.bad(&told));
            }
            "bead.status_change" => match fact("status") {
                "closed" => {
                    self.note(&self.paint.good(&format!("{} is closed", self.bead_id)));
                    return Ok(Some(End::Closed));
                }
                "blocked" => return Ok(Some(End::Blocked(self.why.clone()))),
                "open" if fact("old_status") == "in_progress" => {
                    self.note("the bead is open again, for another attempt");
                }
                _ => {}
            },
            _ => {}
        }
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
            let said = line(said.unwrap_or_default(), 200);
            if !said.is_empty() {
                self.note(&self.paint.dim(&format!("\u{201c}{said}\u{201d}")));
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
        let result = match status {
            "ok" => result,
            _ => self.paint.bad(&result),
        };
        say(&format!(
            "{}  {}  {} {:<36}  {result}",
            self.clock(),
            self.paint.dim(&format!("{numbers:<23}")),
            self.paint.name(&format!("{:<10}", text("name"))),
            describe::subject(what),
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
            _ => format!("; logged last: {}", line(logged, 300)),
        };
        let seconds = how_long.as_secs();
        self.note(
            &self
                .paint
                .dim(&format!("nothing new for {seconds} s{logged}")),
        );
    }

    fn note(&self, text: &str) {
        say(&format!("{}  {:23}  {text}", self.clock(), ""));
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
