//! What actions on issues ask for.

use super::*;

#[test]
fn what_each_action_on_an_issue_asks_for() {
    for (action, wants, is_open) in [
        ("opened", true, true),
        ("reopened", true, true),
        ("edited", false, true),
        ("labeled", false, true),
        ("unlabeled", false, true),
        ("assigned", false, true),
        ("pinned", false, true),
        ("deleted", false, false),
        ("transferred", false, false),
    ] {
        let intents = intents("issues", &issue(action, json!({})));
        let issue = the_issue(&intents);
        assert_eq!(
            (issue.wants_bead, issue.state.is_open),
            (wants, is_open),
            "{action}"
        );
        assert_eq!(issue.opens, action == "reopened", "{action}");
        assert_eq!(
            told(&intents).len(),
            usize::from(action == "opened"),
            "{action}"
        );
        assert_eq!(issue.state.close_reason.is_some(), !is_open, "{action}");
    }
    let closed = json!({"issue": {"state": "closed", "state_reason": "not_planned"}});
    let intents = intents("issues", &issue("closed", closed));
    let state = &the_issue(&intents).state;
    assert_eq!(
        state.close_reason.as_deref(),
        Some("Issue #7 was closed as not planned by ann.")
    );
    assert_eq!(state.meaning.kind.as_deref(), Some("bug"));
}

#[test]
fn where_the_project_asks_for_a_label_it_decides() {
    let settings = GithubSettings {
        issue_label: Some("Loom".to_owned()),
        ..GithubSettings::default()
    };
    for (action, label, wants) in [
        ("opened", "bug", false),
        ("opened", "loom", true),
        ("labeled", "loom", true),
        ("edited", "loom", true),
        ("labeled", "bug", false),
    ] {
        let payload = issue(action, json!({"issue": {"labels": [{"name": label}]}}));
        let Verdict::Act(intents) = verdict_with(&settings, "issues", &payload) else {
            panic!("{action}");
        };
        assert_eq!(the_issue(&intents).wants_bead, wants, "{action} {label}");
    }
    let settings = GithubSettings {
        file_issues: false,
        ..settings
    };
    let payload = issue("opened", json!({"issue": {"labels": [{"name": "loom"}]}}));
    let Verdict::Act(intents) = verdict_with(&settings, "issues", &payload) else {
        panic!("opened");
    };
    assert!(!the_issue(&intents).wants_bead);
}
