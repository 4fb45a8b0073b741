//! What a workflow file says, as far as the double needs it: when it runs, its jobs, and the shell lines of its steps.

/// A workflow file that was read.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Spec {
    pub(crate) name: Option<String>,
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) jobs: Vec<String>,
    /// What all its `run:` steps execute, as one script.
    pub(crate) script: String,
}

/// One event that starts a workflow.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Trigger {
    pub(crate) event: String,
    /// Patterns of branches; empty means all.
    pub(crate) branches: Vec<String>,
    pub(crate) branches_ignore: Vec<String>,
    /// Whether it is about tags only.
    pub(crate) tags_only: bool,
}

impl Spec {
    /// Whether an event on a branch starts it.
    pub(crate) fn starts(&self, event: &str, branch: &str) -> bool {
        self.triggers.iter().any(|trigger| {
            trigger.event == event
                && !trigger.tags_only
                && (trigger.branches.is_empty()
                    || trigger.branches.iter().any(|pattern| glob(pattern, branch)))
                && !trigger
                    .branches_ignore
                    .iter()
                    .any(|pattern| glob(pattern, branch))
        })
    }
}

/// A line: how far it is indented (a dash counts as indentation), whether it is an entry of a list, and its text.
struct Line {
    indent: usize,
    entry: bool,
    text: String,
}

fn lines(text: &str) -> Vec<Line> {
    text.lines()
        .filter_map(|raw| {
            let trimmed = raw.trim_start();
            if trimmed.is_empty() || trimmed.starts_with('#') {
                return None;
            }
            let mut indent = raw.len() - trimmed.len();
            let mut rest = trimmed;
            let entry = rest.starts_with("- ");
            while let Some(after) = rest.strip_prefix("- ") {
                let inner = after.trim_start();
                indent += rest.len() - inner.len();
                rest = inner;
            }
            Some(Line {
                indent,
                entry,
                text: rest.trim_end().to_owned(),
            })
        })
        .collect()
}

fn unquote(text: &str) -> String {
    text.split(" #")
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches(|c| c == '"' || c == '\'')
        .to_owned()
}

/// The entries of `[a, b]`, or the one value that it is.
fn list(text: &str) -> Vec<String> {
    text.trim()
        .trim_start_matches('[')
        .trim_end_matches(']')
        .split(',')
        .map(unquote)
        .filter(|entry| !entry.is_empty())
        .collect()
}

/// Reads a workflow file.
pub(crate) fn read(text: &str) -> Spec {
    let lines = lines(text);
    let mut spec = Spec::default();
    let mut section = String::new();
    let mut job_indent = None;
    let mut event_indent = None;
    let mut filter = (String::new(), 0);
    for line in &lines {
        let (key, value) = match line.text.split_once(':') {
            Some((key, value)) => (unquote(key), value.trim().to_owned()),
            None => (unquote(&line.text), String::new()),
        };
        if line.indent == 0 && !line.entry {
            section.clone_from(&key);
            match key.as_str() {
                "name" => spec.name = Some(unquote(&value)),
                "on" => spec.triggers = list(&value).into_iter().map(event).collect(),
                _ => {}
            }
            continue;
        }
        match section.as_str() {
            "jobs" => {
                let indent = *job_indent.get_or_insert(line.indent);
                if line.indent == indent && !line.entry {
                    spec.jobs.push(key);
                }
            }
            "on" => {
                let indent = *event_indent.get_or_insert(line.indent);
                if line.indent == indent {
                    spec.triggers.push(event(key));
                    filter = (String::new(), 0);
                    continue;
                }
                let Some(trigger) = spec.triggers.last_mut() else {
                    continue;
                };
                let is_key = !line.entry && line.text.contains(':');
                let found = if is_key {
                    filter = (key, line.indent);
                    list(&value)
                } else {
                    vec![unquote(&line.text)]
                };
                match filter.0.as_str() {
                    "branches" => trigger.branches.extend(found),
                    "branches-ignore" => trigger.branches_ignore.extend(found),
                    "tags" => trigger.tags_only = trigger.branches.is_empty(),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    spec.script = script(text);
    spec
}

fn event(name: String) -> Trigger {
    Trigger {
        event: name,
        ..Default::default()
    }
}

/// What the `run:` steps execute, in their order.
fn script(text: &str) -> String {
    let mut script = String::new();
    let mut block: Option<usize> = None;
    for raw in text.lines() {
        let trimmed = raw.trim_start();
        let indent = raw.len() - trimmed.len();
        if let Some(of) = block {
            if trimmed.is_empty() || indent > of {
                script.push_str(trimmed);
                script.push('\n');
                continue;
            }
            block = None;
        }
        let inner = trimmed.trim_start_matches("- ");
        let at = raw.len() - inner.len();
        if let Some(value) = inner.strip_prefix("run:") {
            let value = value.trim();
            if value.starts_with('|') || value.starts_with('>') {
                block = Some(at);
            } else {
                script.push_str(value);
                script.push('\n');
            }
        }
    }
    script
}

/// Whether a branch matches a pattern: `*` is any text without `/`, `**` any text.
fn glob(pattern: &str, text: &str) -> bool {
    if let Some(rest) = pattern.strip_prefix("**") {
        return (0..=text.len())
            .filter_map(|at| text.get(at..))
            .any(|tail| glob(rest, tail));
    }
    if let Some(rest) = pattern.strip_prefix('*') {
        let end = text.find('/').unwrap_or(text.len());
        return (0..=end)
            .filter_map(|at| text.get(at..))
            .any(|tail| glob(rest, tail));
    }
    match (pattern.chars().next(), text.chars().next()) {
        (None, None) => true,
        (Some(a), Some(b)) if a == b => glob(
            pattern.get(a.len_utf8()..).unwrap_or_default(),
            text.get(b.len_utf8()..).unwrap_or_default(),
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_in_each_of_their_forms() {
        for text in [
            "on: push\n",
            "on: [pull_request, push]\n",
            "\"on\":\n  - push\n",
            "on:\n  push:\n  workflow_dispatch:\n",
            "on:\n  push:\n    branches: [main, 'agent/**']\n",
            "on:\n  push:\n    branches:\n      - main\n      - agent/**\n  pull_request:\n",
        ] {
            assert!(read(text).starts("push", "agent/a/b"), "{text}");
        }
        let main = read("on:\n  push:\n    branches: [main]\n  workflow_dispatch:\n");
        assert!(!main.starts("push", "agent/a") && main.starts("push", "main"));
        assert!(main.starts("workflow_dispatch", "any"));
        assert!(!read("on:\n  push:\n    tags: ['v*']\n").starts("push", "main"));
        assert!(
            !read("on:\n  push:\n    branches-ignore: ['agent/*']\n").starts("push", "agent/a")
        );
    }

    #[test]
    fn jobs_and_their_lines_are_read() {
        let spec = read(
            "name: CI # tests\non: push\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      - uses: actions/checkout@v4\n      - name: Test\n        run: |\n          echo one\n          python3 -m unittest\n      - run: echo two\n  lint:\n    steps:\n      - run: true\n",
        );
        assert_eq!(spec.name.as_deref(), Some("CI"));
        assert_eq!(spec.jobs, ["test", "lint"]);
        assert_eq!(
            spec.script,
            "echo one\npython3 -m unittest\necho two\ntrue\n"
        );
    }
}
