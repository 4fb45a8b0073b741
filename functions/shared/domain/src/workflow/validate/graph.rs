use std::collections::BTreeSet;

use super::{MAX_EDGES, MAX_NODES, cycle};
use crate::{
    action::nearest,
    workflow::{Definition, Edge, Node, Outcome, Problem, lines::Lines},
};

/// How the nodes and edges hang together.
pub(in crate::workflow) fn graph(
    definition: &Definition,
    lines: &Lines,
    problems: &mut Vec<Problem>,
) {
    let (nodes, edges) = (definition.nodes.len(), definition.edges.len());
    if nodes == 0 || nodes > MAX_NODES {
        let message = format!("the workflow has {nodes} nodes; it must have 1 to {MAX_NODES}.");
        problems.push(Problem::new(lines.top.of("nodes"), message));
    }
    if edges > MAX_EDGES {
        let message = format!("the workflow has {edges} edges; it may have {MAX_EDGES}.");
        problems.push(Problem::new(lines.top.of("edges"), message));
    }
    // What follows is quadratic in both.
    if nodes > MAX_NODES || edges > MAX_EDGES {
        return;
    }
    let before = problems.len();
    names(definition, lines, problems);
    ends(definition, lines, problems);
    outcomes(definition, lines, problems);
    // Ways through a graph with gaps would only repeat what was said already.
    if problems.len() == before {
        reach(definition, lines, problems);
        cycle::unlimited(definition, lines, problems);
    }
}

fn names(definition: &Definition, lines: &Lines, problems: &mut Vec<Problem>) {
    let mut keys = BTreeSet::new();
    for (index, node) in definition.nodes.iter().enumerate() {
        if !keys.insert(&node.node_key) {
            let message = format!("node {}: another node has this node_key.", node.node_key);
            problems.push(Problem::new(lines.node(index).of("node_key"), message));
        }
    }
    let mut ids = BTreeSet::new();
    for (index, edge) in definition.edges.iter().enumerate() {
        if !ids.insert(&edge.id) {
            let message = format!("edge {}: another edge has this id.", edge.id);
            problems.push(Problem::new(lines.edge(index).of("id"), message));
        }
    }
}

/// Where edges come from and go to.
fn ends(definition: &Definition, lines: &Lines, problems: &mut Vec<Problem>) {
    let keys = || definition.nodes.iter().map(|node| node.node_key.as_str());
    let mut starts = 0;
    for (index, edge) in definition.edges.iter().enumerate() {
        let marks = lines.edge(index);
        for (field, key) in [
            ("from_node_key", &edge.from_node_key),
            ("to_node_key", &edge.to_node_key),
        ] {
            if !key.is_empty() && definition.node(key).is_none() {
                let hint = nearest(key, keys()).map_or_else(
                    || format!("The nodes are {}.", keys().collect::<Vec<_>>().join(", ")),
                    |near| format!("Did you mean {near}?"),
                );
                let shown: String = key.chars().take(80).collect();
                let message = format!("edge {}: {field} {shown:?} is not a node. {hint}", edge.id);
                problems.push(Problem::new(marks.of(field), message));
            }
        }
        if !edge.from_node_key.is_empty() {
            continue;
        }
        starts += 1;
        if starts > 1 {
            let message = format!(
                "edge {}: a workflow has one start, and this is another edge without from_node_key.",
                edge.id
            );
            problems.push(Problem::new(marks.line, message));
        }
        if edge.to_node_key.is_empty() {
            let message = format!(
                "edge {}: it leads from the start to the end. Name a node in to_node_key.",
                edge.id
            );
            problems.push(Problem::new(marks.line, message));
        }
        if edge.condition != Outcome::Success {
            let message = format!("edge {}: the condition of the start is success.", edge.id);
            problems.push(Problem::new(marks.of("condition"), message));
        }
    }
    if starts == 0 {
        let message =
            "the start is missing: an edge whose from_node_key is \"\", to the first node.";
        problems.push(Problem::new(lines.top.of("edges"), message));
    }
}

/// Whether each outcome has its edge, and each edge an outcome.
fn outcomes(definition: &Definition, lines: &Lines, problems: &mut Vec<Problem>) {
    for (index, node) in definition.nodes.iter().enumerate() {
        let missing: Vec<&str> = expected(node)
            .filter(|outcome| definition.edge(&node.node_key, *outcome).is_none())
            .map(Outcome::as_str)
            .collect();
        if !missing.is_empty() {
            let message = format!(
                "node {}: no edge says where it goes on {}.",
                node.node_key,
                missing.join(" and on ")
            );
            problems.push(Problem::new(lines.node(index).of("node_key"), message));
        }
    }
    for (index, edge) in definition.edges.iter().enumerate() {
        let Some(node) = definition.node(&edge.from_node_key) else {
            continue;
        };
        if edge.condition == Outcome::Timeout && node.timeout_minutes == 0 {
            let message = format!(
                "edge {}: node {} has no time limit. Set its timeout_minutes, or remove the edge.",
                edge.id, node.node_key
            );
            problems.push(Problem::new(lines.edge(index).of("condition"), message));
        } else if edge.condition != Outcome::Escalated
            && !expected(node).any(|outcome| outcome == edge.condition)
        {
            let words: Vec<&str> = expected(node).map(Outcome::as_str).collect();
            let message = format!(
                "edge {}: node {} is of type {} and never comes to {}. It comes to {} or escalated.",
                edge.id,
                node.node_key,
                node.node_type.as_str(),
                edge.condition.as_str(),
                words.join(", ")
            );
            problems.push(Problem::new(lines.edge(index).of("condition"), message));
        }
        let rival = definition.edges.iter().take(index).find(|other| {
            other.from_node_key == edge.from_node_key
                && other.condition == edge.condition
                && other.priority == edge.priority
        });
        if let Some(rival) = rival {
            let message = format!(
                "edge {}: edge {} is for the same outcome and has the same priority. Remove one, or give them different priorities.",
                edge.id, rival.id
            );
            problems.push(Problem::new(lines.edge(index).of("condition"), message));
        }
    }
}

/// The outcomes that must have an edge.
fn expected(node: &Node) -> impl Iterator<Item = Outcome> + '_ {
    let timeout = (node.timeout_minutes > 0).then_some(Outcome::Timeout);
    node.node_type.outcomes().iter().copied().chain(timeout)
}

/// The edges that are ever taken from a node to another node or to the end: an escalation to the end is a question to
/// a person, after which the node goes on.
pub(super) fn taken<'a>(
    definition: &'a Definition,
    from: &'a str,
) -> impl Iterator<Item = &'a Edge> {
    Outcome::ALL
        .into_iter()
        .filter_map(move |outcome| definition.edge(from, outcome))
        .filter(|edge| edge.condition != Outcome::Escalated || !edge.to_node_key.is_empty())
}

fn reach(definition: &Definition, lines: &Lines, problems: &mut Vec<Problem>) {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    let mut next: Vec<&str> = taken(definition, "")
        .map(|edge| edge.to_node_key.as_str())
        .collect();
    while let Some(key) = next.pop() {
        if !key.is_empty() && reached.insert(key) {
            next.extend(taken(definition, key).map(|edge| edge.to_node_key.as_str()));
        }
    }
    let mut ending: BTreeSet<&str> = BTreeSet::from([""]);
    loop {
        let before = ending.len();
        for node in &definition.nodes {
            if taken(definition, &node.node_key)
                .any(|edge| ending.contains(edge.to_node_key.as_str()))
            {
                ending.insert(&node.node_key);
            }
        }
        if ending.len() == before {
            break;
        }
    }
    for (index, node) in definition.nodes.iter().enumerate() {
        let key = node.node_key.as_str();
        let mut note = |message: String| {
            problems.push(Problem::new(lines.node(index).of("node_key"), message));
        };
        if !reached.contains(key) {
            note(format!("node {key}: no way leads to it from the start."));
        }
        if !ending.contains(key) {
            note(format!("node {key}: no way leads from it to the end."));
        }
    }
}
