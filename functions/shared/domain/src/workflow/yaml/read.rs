use std::collections::BTreeMap;

use super::fields::Fields;
use crate::{
    role::Role,
    workflow::{
        Definition, Edge, Match, Node, NodeType, Outcome, Problem, Wait,
        lines::{Lines, Marks},
    },
    yaml::{Content, Tree, short},
};

const TOP: [&str; 8] = [
    "id",
    "name",
    "description",
    "workflow_type",
    "is_default",
    "match",
    "nodes",
    "edges",
];
const NODE: [&str; 9] = [
    "node_key",
    "node_type",
    "role_required",
    "persona_hint",
    "max_attempts",
    "timeout_minutes",
    "instructions",
    "wait",
    "metadata",
];
const EDGE: [&str; 5] = [
    "id",
    "from_node_key",
    "to_node_key",
    "condition",
    "priority",
];
const WAIT: [&str; 4] = ["timer_minutes", "signal", "children", "mvp"];

/// What could be read of a definition.
pub(super) struct Draft {
    pub(super) definition: Definition,
    pub(super) lines: Lines,
    pub(super) problems: Vec<Problem>,
    /// Whether every node and edge is there, so that it makes sense to judge how they hang together.
    pub(super) is_whole: bool,
}

/// Reads what can be read; nothing of a file that is no mapping.
pub(super) fn read(tree: &Tree) -> Result<Draft, Vec<Problem>> {
    let mut problems = Vec::new();
    let Some(top) = Fields::open("the workflow", tree, &TOP, &mut problems) else {
        return Err(problems);
    };
    let mut draft = Draft {
        definition: Definition {
            id: String::new(),
            name: String::new(),
            description: String::new(),
            workflow_type: String::new(),
            is_default: false,
            matches: Match::default(),
            nodes: Vec::new(),
            edges: Vec::new(),
        },
        lines: Lines::default(),
        problems,
        is_whole: true,
    };
    draft.fill(&top);
    Ok(draft)
}

impl Draft {
    fn fill(&mut self, top: &Fields<'_>) {
        let problems = &mut self.problems;
        self.lines.top = top.marks();
        let definition = &mut self.definition;
        definition.id = top.required("id", problems).unwrap_or_default();
        definition.name = top.required("name", problems).unwrap_or_default();
        definition.description = top.text("description", problems).unwrap_or_default();
        definition.workflow_type = top.required("workflow_type", problems).unwrap_or_default();
        definition.is_default = top.truth("is_default", problems).unwrap_or_default();
        if let Some(entry) = top.find("match")
            && let Some(fields) = Fields::open("match", &entry.value, &["types", "tags"], problems)
        {
            definition.matches = Match {
                types: fields.texts("types", problems),
                tags: fields.texts("tags", problems),
            };
        }
        for key in ["nodes", "edges"] {
            if top.find(key).is_none() {
                top.missing(key, problems);
            }
        }
        let nodes = top.list("nodes", problems);
        let edges = top.list("edges", problems);
        self.is_whole = nodes.is_some() && edges.is_some();
        for (index, tree) in nodes.unwrap_or_default().iter().enumerate() {
            self.add_node(index, tree);
        }
        for (index, tree) in edges.unwrap_or_default().iter().enumerate() {
            self.add_edge(index, tree);
        }
        name_edges(&mut self.definition.edges);
    }

    fn add_node(&mut self, index: usize, tree: &Tree) {
        let what = name_of(tree, "node_key").map_or_else(
            || format!("node {}", index + 1),
            |key| format!("node {key}"),
        );
        match node(&what, tree, &mut self.problems) {
            Some((node, marks)) => {
                self.definition.nodes.push(node);
                self.lines.nodes.push(marks);
            }
            None => self.is_whole = false,
        }
    }

    fn add_edge(&mut self, index: usize, tree: &Tree) {
        let what = name_of(tree, "id")
            .map_or_else(|| format!("edge {}", index + 1), |id| format!("edge {id}"));
        match edge(&what, tree, &mut self.problems) {
            Some((edge, marks)) => {
                self.definition.edges.push(edge);
                self.lines.edges.push(marks);
            }
            None => self.is_whole = false,
        }
    }
}

/// What a mapping calls itself, for messages about it.
fn name_of(tree: &Tree, key: &str) -> Option<String> {
    let Content::Map(entries) = &tree.content else {
        return None;
    };
    let entry = entries.iter().find(|entry| entry.key == key)?;
    match &entry.value.content {
        Content::Text { text, .. } if !text.trim().is_empty() => Some(short(text.trim())),
        _ => None,
    }
}

fn node(what: &str, tree: &Tree, problems: &mut Vec<Problem>) -> Option<(Node, Marks)> {
    let fields = Fields::open(what, tree, &NODE, problems)?;
    let key = fields.required("node_key", problems);
    if fields.find("node_type").is_none() {
        fields.missing("node_type", problems);
    }
    let types = NodeType::ALL.map(NodeType::as_str);
    let parse = |text: &str| NodeType::ALL.into_iter().find(|kind| kind.as_str() == text);
    let node_type = fields.word("node_type", &types, parse, problems);
    let node = Node {
        node_key: key.clone().unwrap_or_default(),
        node_type: node_type.unwrap_or(NodeType::Task),
        role_required: role(&fields, problems),
        persona_hint: fields.text("persona_hint", problems),
        max_attempts: fields.number("max_attempts", problems).unwrap_or_default(),
        timeout_minutes: fields
            .number("timeout_minutes", problems)
            .unwrap_or_default(),
        instructions: fields.text("instructions", problems).unwrap_or_default(),
        wait: wait(&fields, problems),
        metadata: fields
            .free("metadata", problems)
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
    };
    // Without its name or type nothing can be said about its edges.
    key.and(node_type).map(|_| (node, fields.marks()))
}

fn role(fields: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<Role> {
    let text = fields.text("role_required", problems)?;
    match Role::parse(&text) {
        Ok(role) => Some(role),
        Err(refusal) => {
            let message = format!("{}: role_required {}", fields.what, refusal.message);
            let line = fields.marks().of("role_required");
            problems.push(Problem::new(line, message));
            None
        }
    }
}

fn wait(fields: &Fields<'_>, problems: &mut Vec<Problem>) -> Option<Wait> {
    let entry = fields.find("wait")?;
    let what = format!("{}: wait", fields.what);
    let inner = Fields::open(&what, &entry.value, &WAIT, problems)?;
    let timer = inner
        .number("timer_minutes", problems)
        .map(Wait::TimerMinutes);
    let signal = inner.text("signal", problems).map(Wait::Signal);
    let children = inner.truth("children", problems).map(Wait::Children);
    let mvp = inner.truth("mvp", problems).map(Wait::Mvp);
    let written = WAIT.iter().filter(|key| inner.find(key).is_some()).count();
    if written != 1 {
        let message = format!("{what} must be one of timer_minutes, signal, children and mvp.");
        problems.push(Problem::new(entry.line, message));
    }
    timer.or(signal).or(children).or(mvp)
}

fn edge(what: &str, tree: &Tree, problems: &mut Vec<Problem>) -> Option<(Edge, Marks)> {
    let fields = Fields::open(what, tree, &EDGE, problems)?;
    let from = fields.text("from_node_key", problems).unwrap_or_default();
    let words = Outcome::ALL.map(Outcome::as_str);
    let condition = match fields.find("condition") {
        Some(_) => fields.word("condition", &words, Outcome::parse, problems)?,
        // Nothing has happened yet at the start, so there is nothing to tell.
        None if from.is_empty() => Outcome::Success,
        None => {
            fields.missing("condition", problems);
            return None;
        }
    };
    let edge = Edge {
        id: fields.text("id", problems).unwrap_or_default(),
        from_node_key: from,
        to_node_key: fields.text("to_node_key", problems).unwrap_or_default(),
        condition,
        priority: fields.number("priority", problems).unwrap_or(100),
    };
    Some((edge, fields.marks()))
}

/// Gives the edges without an id theirs: `<from>.<condition>`, and `-2`, `-3` after it where several would share it.
fn name_edges(edges: &mut [Edge]) {
    let mut used: BTreeMap<String, usize> = BTreeMap::new();
    for edge in edges.iter_mut().filter(|edge| edge.id.is_empty()) {
        let from = match edge.from_node_key.as_str() {
            "" => "start",
            from => from,
        };
        edge.id = format!("{from}.{}", edge.condition.as_str());
        let count = used.entry(edge.id.clone()).or_default();
        *count += 1;
        if *count > 1 {
            edge.id.push_str(&format!("-{count}"));
        }
    }
}
