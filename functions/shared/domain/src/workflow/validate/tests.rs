use super::{MAX_NODES, validate};
use crate::workflow::{Definition, Edge, Lines, Match, Node, NodeType, Outcome, yaml};

fn sound() -> Definition {
    yaml::parse(include_str!("../yaml/sound.yaml")).unwrap()
}

fn problems(definition: &Definition) -> Vec<String> {
    validate(definition, &Lines::default())
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_definition_without_a_file_is_judged_without_lines() {
    assert_eq!(problems(&sound()), Vec::<String>::new());
    let mut definition = sound();
    definition.name.clear();
    definition.nodes[1].role_required = None;
    assert_eq!(
        problems(&definition),
        [
            "node check: role_required is missing: which role does it?",
            "the workflow: name must be one line of 1 to 200 bytes.",
        ]
    );
}

#[test]
fn long_texts_are_refused() {
    let long = "x".repeat(16 * 1024 + 1);
    let changes: [fn(&mut Definition, String); 5] = [
        |definition, text| definition.description = text,
        |definition, text| definition.name = text,
        |definition, text| definition.nodes[0].instructions = text,
        |definition, text| definition.nodes[0].persona_hint = Some(text),
        |definition, text| {
            definition.nodes[0].metadata.insert("x".into(), text.into());
        },
    ];
    for change in changes {
        let mut definition = sound();
        change(&mut definition, long.clone());
        assert_eq!(problems(&definition).len(), 1);
    }
}

/// One node after the other, the last of which goes to `last`.
fn chain(length: usize, max_attempts: i64, last: &str) -> Definition {
    let key = |index: usize| format!("node-{index}");
    let node = |index| Node {
        node_key: key(index),
        node_type: NodeType::Task,
        role_required: Some("qa".parse().unwrap()),
        persona_hint: None,
        max_attempts,
        timeout_minutes: 0,
        instructions: String::new(),
        wait: None,
        metadata: Default::default(),
    };
    let edge = |from: String, to: String, condition| Edge {
        id: format!("e-{from}-{}", Outcome::as_str(condition)),
        from_node_key: from,
        to_node_key: to,
        condition,
        priority: 100,
    };
    let mut edges = vec![edge(String::new(), key(0), Outcome::Success)];
    for index in 0..length {
        let next = if index + 1 == length {
            last.to_owned()
        } else {
            key(index + 1)
        };
        edges.push(edge(key(index), next, Outcome::Success));
        edges.push(edge(key(index), String::new(), Outcome::Failure));
    }
    Definition {
        id: "chain".into(),
        name: "Chain".into(),
        description: String::new(),
        workflow_type: "chain".into(),
        is_default: false,
        matches: Match::default(),
        nodes: (0..length).map(node).collect(),
        edges,
    }
}

#[test]
fn the_numbers_of_nodes_and_edges_are_bounded() {
    assert_eq!(problems(&chain(MAX_NODES, 0, "")), Vec::<String>::new());
    assert_eq!(
        problems(&chain(MAX_NODES + 1, 0, "")),
        ["the workflow has 65 nodes; it must have 1 to 64."]
    );
    assert!(
        problems(&chain(0, 0, ""))
            .contains(&"the workflow has 0 nodes; it must have 1 to 64.".into())
    );
}

#[test]
fn a_long_round_is_named_in_its_order_and_needs_one_limit() {
    let mut definition = chain(4, 0, "node-1");
    assert_eq!(
        problems(&definition),
        [
            "the nodes node-1 → node-2 → node-3 → node-1 can go round for ever. Set max_attempts of one of them."
        ]
    );
    definition.nodes[0].max_attempts = 1;
    assert_eq!(problems(&definition).len(), 1);
    definition.nodes[3].max_attempts = 1;
    assert_eq!(problems(&definition), Vec::<String>::new());
    assert_eq!(problems(&chain(4, 2, "node-0")), Vec::<String>::new());
}
