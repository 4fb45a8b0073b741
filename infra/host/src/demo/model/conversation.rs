//! What was done so far, read from the messages.

use super::code::{Match, Panic};
use loom_tokenhub_double::SeenMessage;
use serde_json::Value;

/// An action of an earlier turn with its result.
pub(super) struct Taken {
    pub(super) action: String,
    arguments: Value,
    /// The result's first line: the action, and how it went.
    pub(super) head: String,
    /// What it brought, without the fence around it.
    pub(super) text: String,
}

impl Taken {
    pub(super) fn is_ok(&self) -> bool {
        self.head.ends_with(": ok")
    }

    /// An argument that is a text, or an empty one.
    pub(super) fn argument(&self, name: &str) -> &str {
        self.arguments
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    fn first_line(&self) -> usize {
        self.arguments
            .get("first_line")
            .and_then(Value::as_u64)
            .and_then(|line| usize::try_from(line).ok())
            .unwrap_or(1)
    }

    fn is_read_of(&self, path: &str) -> bool {
        self.action == "read_file" && self.is_ok() && self.argument("path") == path
    }

    /// Whether it read the line where a test failed.
    pub(super) fn has_read(&self, failure: &Panic) -> bool {
        let lines = self.first_line()..self.first_line() + self.text.lines().count();
        self.is_read_of(&failure.path) && lines.contains(&failure.line)
    }

    /// Whether it read the file from the line on that a search found.
    pub(super) fn begins_at(&self, found: &Match) -> bool {
        self.is_read_of(&found.path) && self.first_line() == found.line
    }

    /// The line of the file that is `code`, apart from its indentation, if it read one.
    pub(super) fn line_of(&self, code: &str) -> Option<usize> {
        let at = self.text.lines().position(|line| line.trim() == code)?;
        Some(self.first_line() + at)
    }

    /// The statement that begins in line `line` of the file that it read.
    pub(super) fn lines_from(&self, line: usize) -> String {
        let mut statement = String::new();
        for text in self
            .text
            .lines()
            .skip(line.saturating_sub(self.first_line()))
        {
            statement.push_str(text);
            statement.push('\n');
            if text.trim_end().ends_with([';', '}']) {
                break;
            }
        }
        statement
    }
}

/// Every call of the conversation that was answered, oldest first.
pub(super) fn taken(messages: &[SeenMessage]) -> Vec<Taken> {
    let calls = messages
        .iter()
        .filter(|message| message.role == "assistant")
        .filter_map(|message| message.tool_calls.as_ref()?.as_array())
        .flatten();
    calls
        .filter_map(|call| {
            let id = call.get("id")?.as_str()?;
            let function = call.get("function")?;
            let arguments = function.get("arguments")?.as_str()?;
            let result = messages
                .iter()
                .find(|message| message.tool_call_id.as_deref() == Some(id))?;
            let head = result.content.lines().next().unwrap_or_default();
            Some(Taken {
                action: function.get("name")?.as_str()?.to_owned(),
                arguments: serde_json::from_str(arguments).unwrap_or_default(),
                head: head.trim_end().to_owned(),
                text: fenced(&result.content).to_owned(),
            })
        })
        .collect()
}

/// What stands between `<data-… source="…">` and `</data-…>`; nothing when there is no fence.
fn fenced(content: &str) -> &str {
    let inner = || {
        let (_, after) = content.split_once("\n<data-")?;
        let (tag, after) = after.split_once(' ')?;
        let (_, text) = after.split_once(">\n")?;
        text.split_once(&format!("</data-{tag}>"))
            .map(|(text, _)| text)
    };
    inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fence_is_taken_off() {
        assert_eq!(
            fenced("test: ok\n<data-01ab source=\"test\">\na\nb\n</data-01ab>\nmore"),
            "a\nb\n"
        );
        assert_eq!(fenced("git_push: ok"), "");
    }
}
