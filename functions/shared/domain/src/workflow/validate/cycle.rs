use std::collections::BTreeSet;

use super::graph::taken;
use crate::workflow::{Definition, Edge, Problem, lines::Lines};

/// Notes each round of nodes of which none has a limit of attempts; of rounds that share nodes, one.
pub(super) fn unlimited(definition: &Definition, lines: &Lines, problems: &mut Vec<Problem>) {
    let mut left: BTreeSet<&str> = definition
        .nodes
        .iter()
        .filter(|node| node.max_attempts == 0)
        .map(|node| node.node_key.as_str())
        .collect();
    loop {
        // Whoever leads to nobody that is left is in no round; peel until only rounds and ways to rounds are left.
        loop {
            let before = left.len();
            let kept = left.clone();
            left.retain(|key| onward(definition, key, &kept).is_some());
            if left.len() == before {
                break;
            }
        }
        let Some(first) = left.first().copied() else {
            return;
        };
        let round = follow(definition, first, &left);
        if let Some(last) = round.last() {
            let mut path: Vec<&str> = round
                .iter()
                .map(|edge| edge.from_node_key.as_str())
                .collect();
            path.push(&last.to_node_key);
            let message = format!(
                "the nodes {} can go round for ever. Set max_attempts of one of them.",
                path.join(" → ")
            );
            let index = definition.edges.iter().position(|edge| edge.id == last.id);
            let line = index.map_or(0, |index| lines.edge(index).line);
            problems.push(Problem::new(line, message));
        }
        for edge in round {
            left.remove(edge.from_node_key.as_str());
        }
        left.remove(first);
    }
}

fn onward<'a>(definition: &'a Definition, key: &'a str, left: &BTreeSet<&str>) -> Option<&'a Edge> {
    taken(definition, key).find(|edge| left.contains(edge.to_node_key.as_str()))
}

/// Goes from node to node until one comes again: the edges of that round.
fn follow<'a>(definition: &'a Definition, first: &'a str, left: &BTreeSet<&str>) -> Vec<&'a Edge> {
    let mut way: Vec<&Edge> = Vec::new();
    let mut key = first;
    while let Some(edge) = onward(definition, key, left) {
        way.push(edge);
        key = &edge.to_node_key;
        if let Some(start) = way.iter().position(|edge| edge.from_node_key == key) {
            return way.split_off(start);
        }
    }
    Vec::new()
}
