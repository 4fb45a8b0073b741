use crate::{
    role::Role,
    workflow::{
        Definition, Node, NodeType, Problem, Wait,
        lines::{Lines, Marks},
    },
};

const MAX_TEXT: usize = 16 * 1024;
const MAX_NAME: usize = 200;
const MAX_ATTEMPTS: i64 = 20;
/// Thirty days.
const MAX_MINUTES: i64 = 43_200;
const MAX_WORDS: usize = 32;

/// What can be said of each field by itself.
pub(in crate::workflow) fn fields(
    definition: &Definition,
    lines: &Lines,
    problems: &mut Vec<Problem>,
) {
    let top = &lines.top;
    let mut note = |key: &str, message: String| problems.push(Problem::new(top.of(key), message));
    for (key, value) in [
        ("id", &definition.id),
        ("workflow_type", &definition.workflow_type),
    ] {
        // One that is missing was noted where it is.
        if !is_key(value) && (top.has(key) || top.line == 0) {
            note(key, format!("the workflow: {}", must_be_key(key, value)));
        }
    }
    let name = &definition.name;
    if (name.is_empty() || name.len() > MAX_NAME || name.contains(char::is_control))
        && (top.has("name") || top.line == 0)
    {
        note(
            "name",
            format!("the workflow: name must be one line of 1 to {MAX_NAME} bytes."),
        );
    }
    if definition.description.len() > MAX_TEXT {
        note("description", too_long("the workflow", "description"));
    }
    let matches = &definition.matches;
    let is_type = |word: &String| word.len() <= 40 && is_key(word);
    // As a bead's own tags.
    let is_tag =
        |word: &String| (1..=256).contains(&word.len()) && !word.contains(char::is_control);
    if matches.types.len() > MAX_WORDS || !matches.types.iter().all(is_type) {
        let message = format!(
            "match: types must be at most {MAX_WORDS} words of a-z, 0-9, dash and underscore, each of 1 to 40."
        );
        note("match", message);
    }
    if matches.tags.len() > MAX_WORDS || !matches.tags.iter().all(is_tag) {
        let message = format!("match: tags must be at most {MAX_WORDS} tags of 1 to 256 bytes.");
        note("match", message);
    }
    for (index, node) in definition.nodes.iter().enumerate() {
        Judge {
            node,
            marks: lines.node(index),
            problems,
        }
        .judge();
    }
    for (index, edge) in definition.edges.iter().enumerate() {
        let is_id = (1..=150).contains(&edge.id.len())
            && edge
                .id
                .bytes()
                .all(|byte| is_key_byte(byte) || byte == b'.');
        if !is_id {
            let message = format!(
                "edge {}: id must be 1 to 150 characters of a-z, 0-9, dash, underscore and dot.",
                edge.id
            );
            problems.push(Problem::new(lines.edge(index).of("id"), message));
        }
    }
}

struct Judge<'a> {
    node: &'a Node,
    marks: &'a Marks,
    problems: &'a mut Vec<Problem>,
}

impl Judge<'_> {
    fn note(&mut self, key: &str, message: &str) {
        let message = format!("node {}: {message}", self.node.node_key);
        self.problems
            .push(Problem::new(self.marks.of(key), message));
    }

    fn judge(&mut self) {
        let node = self.node;
        if !is_key(&node.node_key) && (self.marks.has("node_key") || self.marks.line == 0) {
            self.note("node_key", &must_be_key("node_key", &node.node_key));
        }
        self.judge_role();
        self.judge_wait();
        if !(0..=MAX_ATTEMPTS).contains(&node.max_attempts) {
            self.note(
                "max_attempts",
                &format!("max_attempts must be 0 to {MAX_ATTEMPTS}; 0 is no limit."),
            );
        }
        if !(0..=MAX_MINUTES).contains(&node.timeout_minutes) {
            let message =
                format!("timeout_minutes must be 0 to {MAX_MINUTES} (30 days); 0 is no limit.");
            self.note("timeout_minutes", &message);
        }
        if node.instructions.len() > MAX_TEXT {
            self.note("instructions", &too_long("it", "instructions"));
        }
        if node
            .persona_hint
            .as_ref()
            .is_some_and(|hint| hint.len() > MAX_TEXT)
        {
            self.note("persona_hint", &too_long("it", "persona_hint"));
        }
        if serde_json::to_string(&node.metadata).is_ok_and(|text| text.len() > MAX_TEXT) {
            self.note("metadata", &too_long("it", "metadata"));
        }
        for flag in ["holds_children", "validates_plan"] {
            if node
                .metadata
                .get(flag)
                .is_some_and(|value| !value.is_boolean())
            {
                self.note(
                    "metadata",
                    &format!("{flag} of the metadata must be true or false."),
                );
            }
        }
    }

    fn judge_role(&mut self) {
        let is_wait = self.node.node_type == NodeType::Wait;
        match &self.node.role_required {
            Some(_) if is_wait => {
                self.note(
                    "role_required",
                    "nobody works at a wait node. Remove role_required.",
                );
            }
            Some(role) => {
                if let Err(refusal) = Role::parse(role.as_str()) {
                    self.note(
                        "role_required",
                        &format!("role_required {}", refusal.message),
                    );
                } else if role.is_human_seat() && self.node.node_type != NodeType::Approval {
                    let message = format!(
                        "a person sits as {role}, and a person only says yes or no. Make it an approval, or give it to another role."
                    );
                    self.note("role_required", &message);
                }
            }
            // One that is written but not known was noted where it is.
            None if !is_wait && !self.marks.has("role_required") => {
                self.note("node_type", "role_required is missing: which role does it?");
            }
            None => {}
        }
    }

    fn judge_wait(&mut self) {
        let is_wait = self.node.node_type == NodeType::Wait;
        match &self.node.wait {
            Some(_) if !is_wait => self.note(
                "wait",
                "only a node of type wait waits. Remove wait, or change node_type.",
            ),
            None if is_wait && !self.marks.has("wait") => self.note(
                "node_type",
                "wait is missing: timer_minutes, signal, children or mvp, for what is it to wait?",
            ),
            Some(Wait::TimerMinutes(minutes)) => {
                if !(1..=MAX_MINUTES).contains(minutes) {
                    let message = format!("timer_minutes must be 1 to {MAX_MINUTES} (30 days).");
                    self.note("wait", &message);
                }
                if self.node.timeout_minutes != 0 {
                    self.note("timeout_minutes", "the end of its timer is what it waits for, so it cannot time out. Remove timeout_minutes.");
                }
            }
            Some(Wait::Signal(name)) if !is_key(name) => {
                self.note("wait", &must_be_key("signal", name));
            }
            Some(Wait::Children(false)) => {
                self.note(
                    "wait",
                    "children can only be true. Remove the node if nothing is to be waited for.",
                );
            }
            Some(Wait::Mvp(false)) => {
                self.note(
                    "wait",
                    "mvp can only be true. Remove the node if nothing is to be waited for.",
                );
            }
            _ => {}
        }
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_'
}

fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(is_key_byte)
}

fn must_be_key(key: &str, value: &str) -> String {
    let shown: String = value.chars().take(80).collect();
    format!("{key} {shown:?} must be 1 to 64 characters of a-z, 0-9, dash and underscore.")
}

fn too_long(what: &str, key: &str) -> String {
    format!("{what} is too long: {key} may have {MAX_TEXT} bytes.")
}
