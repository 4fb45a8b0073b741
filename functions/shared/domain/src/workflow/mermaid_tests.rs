use super::{mermaid, yaml};

#[test]
fn exports_nodes_edges_and_where_an_execution_is() {
    let definition = yaml::parse(include_str!("yaml/sound.yaml")).unwrap();
    let text = mermaid(&definition, Some("check"));
    assert_eq!(text, mermaid(&definition, Some("check")));
    for line in [
        "flowchart TD",
        "start([\"start\"])",
        "n0[\"write<br>task: Engineering Manager\"]",
        "n1{\"check<br>verify: QA Engineer\"}",
        "n2>\"pause<br>wait: 30 min\"]",
        "n3>\"hear<br>wait: signal go\"]",
        "n4>\"gather<br>wait: child beads\"]",
        "n5{{\"agree<br>approval: CEO\"}}",
        "n6[[\"merge<br>commit: Engineering Manager\"]]",
        "finish([\"end\"])",
        "start --> n0",
        "n0 -->|\"success\"| n1",
        "n0 -->|\"failure\"| finish",
        "n0 -->|\"escalated\"| n5",
        "class n1 current",
    ] {
        assert!(
            text.lines().any(|found| found.trim() == line),
            "{line}\n{text}"
        );
    }
    assert!(!text.contains("person"));
    let without = mermaid(&definition, Some("elsewhere"));
    assert_eq!(without, mermaid(&definition, None));
    assert!(!without.contains("current"));
}

#[test]
fn what_mermaid_would_read_as_its_own_is_escaped() {
    let mut definition = yaml::parse(include_str!("yaml/sound.yaml")).unwrap();
    definition.nodes[0].node_key = "a\"] --> b; <i>#quot;&`\n".into();
    let text = mermaid(&definition, None);
    let line = text
        .lines()
        .find(|line| line.trim().starts_with("n0["))
        .unwrap();
    assert_eq!(
        line.trim(),
        "n0[\"a#34;] --#62; b#59; #60;i#62;#35;quot#59;#38;#96; <br>task: Engineering Manager\"]"
    );
}

#[test]
fn an_escalation_to_the_end_is_a_question_to_a_person() {
    let text = include_str!("yaml/sound.yaml").replace(
        "to_node_key: agree, condition: escalated",
        "to_node_key: \"\", condition: escalated",
    );
    let text = mermaid(&yaml::parse(&text).unwrap(), None);
    assert!(text.contains("n0 -.->|\"escalated\"| person\n"), "{text}");
    assert!(text.contains("person([\"a person decides\"])"), "{text}");
}
