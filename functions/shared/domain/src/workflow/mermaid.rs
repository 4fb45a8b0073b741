use super::{Definition, Node, NodeType, Outcome, Wait};
use crate::role::Role;

/// The workflow as a Mermaid flowchart, nodes and edges in the order of the definition. The node `current` is marked.
///
/// Nodes are numbered, because Mermaid reserves some words (`end`) and characters that a key may have.
pub fn mermaid(definition: &Definition, current: Option<&str>) -> String {
    let mut lines = vec!["flowchart TD".to_owned()];
    let name = |key: &str, otherwise: &str| {
        let index = definition
            .nodes
            .iter()
            .position(|node| node.node_key == key);
        index.map_or_else(|| otherwise.to_owned(), |index| format!("n{index}"))
    };
    lines.push("start([\"start\"])".to_owned());
    for (index, node) in definition.nodes.iter().enumerate() {
        let (open, close) = shape(node.node_type);
        lines.push(format!("n{index}{open}\"{}\"{close}", label(node)));
    }
    let asks =
        |edge: &&super::Edge| edge.condition == Outcome::Escalated && edge.to_node_key.is_empty();
    if definition
        .edges
        .iter()
        .any(|edge| edge.to_node_key.is_empty() && !asks(&edge))
    {
        lines.push("finish([\"end\"])".to_owned());
    }
    if definition.edges.iter().any(|edge| asks(&edge)) {
        lines.push("person([\"a person decides\"])".to_owned());
    }
    for edge in &definition.edges {
        let from = name(&edge.from_node_key, "start");
        let line = if edge.from_node_key.is_empty() {
            format!("{from} --> {}", name(&edge.to_node_key, "finish"))
        } else if asks(&edge) {
            format!("{from} -.->|\"{}\"| person", edge.condition.as_str())
        } else {
            let to = name(&edge.to_node_key, "finish");
            format!("{from} -->|\"{}\"| {to}", edge.condition.as_str())
        };
        lines.push(line);
    }
    if let Some(index) = current.and_then(|key| {
        definition
            .nodes
            .iter()
            .position(|node| node.node_key == key)
    }) {
        lines.push("classDef current stroke-width:4px".to_owned());
        lines.push(format!("class n{index} current"));
    }
    let mut text = lines.join("\n    ");
    text.push('\n');
    text
}

fn shape(node_type: NodeType) -> (&'static str, &'static str) {
    match node_type {
        NodeType::Task => ("[", "]"),
        NodeType::Approval => ("{{", "}}"),
        NodeType::Commit => ("[[", "]]"),
        NodeType::Verify => ("{", "}"),
        NodeType::Wait => (">", "]"),
    }
}

fn label(node: &Node) -> String {
    let who = match &node.wait {
        Some(Wait::TimerMinutes(minutes)) => format!("{minutes} min"),
        Some(Wait::Signal(name)) => format!("signal {name}"),
        Some(Wait::Children(_)) => "child beads".to_owned(),
        Some(Wait::Mvp(_)) => "beads of the MVP".to_owned(),
        None => node
            .role_required
            .as_ref()
            .map_or_else(String::new, Role::display_name),
    };
    format!(
        "{}<br>{}: {}",
        escaped(&node.node_key),
        node.node_type.as_str(),
        escaped(&who)
    )
}

/// Mermaid reads `#…;` as an entity, and would take quotes, angle brackets and backticks as its own or as HTML.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        match character {
            '#' | '"' | '<' | '>' | '&' | '`' | ';' => {
                out.push_str(&format!("#{};", u32::from(character)))
            }
            character if character.is_control() => out.push(' '),
            character => out.push(character),
        }
        out
    })
}
