mod cycle;
mod fields;
mod graph;

#[cfg(test)]
mod tests;

use super::{Definition, Problem, lines::Lines};

pub(super) use fields::fields;
pub(super) use graph::graph;

/// The most nodes that a workflow may have.
pub const MAX_NODES: usize = 64;
/// The most edges that a workflow may have.
pub const MAX_EDGES: usize = 256;

/// Everything that keeps a definition from being run, with the lines where it is written as far as they are known.
///
/// A definition without a problem has one start, and from every node that can be reached a way to the end; every
/// outcome that a node can have takes an edge; and no round is without a limit of attempts.
pub fn validate(definition: &Definition, lines: &Lines) -> Vec<Problem> {
    let mut problems = Vec::new();
    fields(definition, lines, &mut problems);
    graph(definition, lines, &mut problems);
    problems.sort();
    problems
}
