use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn every_spelling_of_the_table_and_of_people_reads_as_one_role() {
    let table = [
        ("qa", "qa-engineer"),
        ("QA", "qa-engineer"),
        ("QA Engineer", "qa-engineer"),
        ("qa_engineer", "qa-engineer"),
        ("  Qa -  Engineer ", "qa-engineer"),
        ("default/qa-engineer", "qa-engineer"),
        ("projects/0190-ab/qa-engineer/strict", "qa-engineer"),
        ("@qa", "qa-engineer"),
        ("the QA engineer agent", "qa-engineer"),
        ("web-designer AGENT ONLY", "web-designer"),
        ("em", "engineering-manager"),
        ("Engineering Manager (Default)", "engineering-manager"),
        ("backend-engineer", "engineering-manager"),
        ("coder", "engineering-manager"),
        ("reviewer", "code-reviewer"),
        ("pm", "product-manager"),
        ("projm", "project-manager"),
        ("chief technology officer", "cto"),
        ("CEO", "ceo"),
        ("loom", "loom"),
    ];
    for (text, role) in table {
        assert_eq!(Role::parse(text).unwrap(), role, "{text}");
        assert_eq!(Role::parse_any(text).unwrap(), role, "{text}");
    }
}

#[test]
fn no_spelling_means_two_roles_and_each_is_canonical() {
    let mut seen = BTreeSet::new();
    for role in KNOWN {
        for name in std::iter::once(&role.name).chain(role.aliases) {
            assert!(seen.insert(*name), "{name} stands twice in the table");
            assert!(spelling::is_canonical(name), "{name}");
            assert_eq!(spelling::canonical(name), *name);
            assert_eq!(Role::parse(name).unwrap(), role.name);
        }
    }
}

#[test]
fn a_type_of_a_conventional_commit_is_no_role() {
    for word in [
        "fix", "feat", "docs", "test", "ci", "build", "style", "chore", "perf", "refactor",
        "revert", "now", "bug", "pr", "frontend", "backend", "ui", "api", "security", "",
    ] {
        assert_eq!(
            Role::parse(word).unwrap_err().code,
            "unknown_role",
            "{word}"
        );
    }
}

#[test]
fn an_unknown_role_is_answered_with_the_near_ones() {
    let refusal = Role::parse("QA Enginer").unwrap_err();
    assert_eq!(refusal.code, "unknown_role");
    assert_eq!(refusal.details["near"], json!(["qa-engineer"]));
    assert_eq!(
        refusal.message,
        "\"QA Enginer\" is not a role that Loom knows. Did you mean qa-engineer?"
    );
    let far = Role::parse("astronaut").unwrap_err();
    assert_eq!(far.details["near"], json!([]));
    assert!(
        far.message.contains("engineering-manager"),
        "{}",
        far.message
    );
}

#[test]
fn a_project_may_add_roles_of_its_own() {
    let custom = Role::parse_any("Data Engineer").unwrap();
    assert_eq!(custom.as_str(), "data-engineer");
    assert_eq!(custom.display_name(), "Data Engineer");
    assert!(custom.known().is_none());
    assert_eq!(
        Role::parse("data-engineer").unwrap_err().code,
        "unknown_role"
    );
    let among = Role::parse_among("data_engineer", std::slice::from_ref(&custom)).unwrap();
    assert_eq!(among, custom);
    for bad in [
        "x",
        "données",
        "a/b c!",
        &"a".repeat(65),
        "-",
        "",
        "a..b",
        "(only a note)",
    ] {
        assert_eq!(
            Role::parse_any(bad).unwrap_err().code,
            "invalid_role",
            "{bad}"
        );
    }
}

#[test]
fn json_holds_the_canonical_spelling_only() {
    let role: Role = serde_json::from_value(json!("QA Engineer")).unwrap();
    assert_eq!(serde_json::to_value(&role).unwrap(), json!("qa-engineer"));
    assert!(serde_json::from_value::<Role>(json!("!")).is_err());
    assert_eq!(role.display_name(), "QA Engineer");
    assert_eq!(role.to_string(), "qa-engineer");
}

#[test]
fn only_the_ceo_is_a_persons_seat() {
    let human: Vec<&str> = KNOWN
        .iter()
        .map(|role| role.name)
        .filter(|name| Role::parse(name).unwrap().is_human_seat())
        .collect();
    assert_eq!(human, ["ceo"]);
}

#[test]
fn the_org_chart_seats_known_roles_below_seated_ones() {
    let mut seated = BTreeSet::new();
    for position in ORG_CHART {
        assert_eq!(Role::parse(position.role).unwrap(), position.role);
        if let Some(above) = position.reports_to {
            assert!(
                seated.contains(above),
                "{} stands before {above}",
                position.role
            );
        }
        assert!(
            seated.insert(position.role),
            "{} is seated twice",
            position.role
        );
    }
    let all: BTreeSet<&str> = KNOWN
        .iter()
        .map(|role| role.name)
        .filter(|r| *r != "loom")
        .collect();
    assert_eq!(seated, all);
}

proptest! {
    #[test]
    fn reading_never_panics_and_is_stable(text in "\\PC{0,80}") {
        let _ = Role::parse(&text);
        if let Ok(role) = Role::parse_any(&text) {
            prop_assert!(spelling::is_canonical(role.as_str()));
            prop_assert_eq!(Role::parse_any(role.as_str()).unwrap(), role);
        }
    }
}
