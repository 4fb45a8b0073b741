use loom_domain::{
    bead::{BeadStatus, Priority},
    decision::{DecisionKind, NewDecision},
    event::EventKind,
    github::GithubSettings,
};
use loom_store::{decision, github};
use serde_json::json;

use super::{Hub, by, codes, comment, merged, permutations};
use crate::write;

/// A hub with issue 7 and its bead.
async fn filed() -> Hub {
    let hub = Hub::new().await;
    hub.issue("opened", 1, json!({})).await;
    hub
}

async fn said(hub: &Hub, id: i64, login: &str, body: &str) -> Vec<&'static str> {
    codes(
        &hub.deliver("issue_comment", &comment(id, login, body))
            .await
            .unwrap(),
    )
}

/// The last answer in the status comment of issue 7.
async fn answer(hub: &Hub) -> String {
    let reports = github::due_reports(hub.world.db(), 10).await.unwrap();
    let report = reports
        .into_iter()
        .find(|report| report.number == 7)
        .unwrap();
    report
        .notices
        .last()
        .map(|notice| notice.answer.clone())
        .unwrap_or_default()
}

#[tokio::test]
async fn a_comment_is_part_of_the_conversation_once() {
    let hub = filed().await;
    for _ in 0..5 {
        said(&hub, 1, "bob", "I see it too.").await;
    }
    let bead = hub.only_bead().await;
    assert_eq!(
        hub.comments(&bead).await,
        [("github:bob".to_owned(), "I see it too.".to_owned())]
    );
    assert_eq!(hub.events(EventKind::GithubCommentAdded).await, 1);
}

#[tokio::test]
async fn what_was_said_before_the_bead_was_filed_is_not_lost() {
    let sequence = [
        ("issues", super::issue("opened", 1, json!({}))),
        ("issue_comment", comment(1, "bob", "First.")),
        ("issue_comment", comment(2, "bob", "Second.")),
    ];
    for order in permutations(&sequence) {
        let hub = Hub::new().await;
        for (event, payload) in &order {
            hub.deliver(event, payload).await.unwrap();
        }
        let bead = hub.only_bead().await;
        let mut texts: Vec<String> = hub
            .comments(&bead)
            .await
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        texts.sort();
        assert_eq!(texts, ["First.", "Second."], "{order:?}");
    }
}

#[tokio::test]
async fn comments_on_what_is_never_filed_are_kept_in_bounds() {
    let hub = Hub::new().await;
    for id in 1..=60 {
        said(&hub, id, "bob", "Hm.").await;
    }
    assert_eq!(
        hub.world
            .count("SELECT COUNT(*) FROM github_comment WHERE waiting IS NOT NULL")
            .await,
        50
    );
}

#[tokio::test]
async fn each_command_does_what_it_says_and_is_answered() {
    let hub = filed().await;
    let bead = hub.only_bead().await;
    said(&hub, 1, "ann", "/loom priority P0").await;
    assert_eq!(hub.only_bead().await.priority, Priority::P0);
    assert_eq!(answer(&hub).await, "The priority is P0.");

    said(&hub, 2, "ann", "/loom stop").await;
    let stopped = hub.only_bead().await;
    assert_eq!(stopped.status, BeadStatus::Blocked);
    assert!(answer(&hub).await.contains("/loom work"));

    said(&hub, 3, "ann", "Go on, please.\n/loom work").await;
    let open = hub.only_bead().await;
    assert_eq!(open.status, BeadStatus::Open);
    assert_eq!(hub.world.ready_ids().await, std::slice::from_ref(&bead.id));

    said(&hub, 4, "ann", "/loom assign qa").await;
    assert_eq!(
        hub.only_bead().await.wanted_role.as_deref(),
        Some("qa-engineer")
    );
    assert!(answer(&hub).await.contains("QA Engineer"));
    said(&hub, 5, "ann", "/loom assign ceo").await;
    assert_eq!(
        hub.only_bead().await.wanted_role.as_deref(),
        Some("qa-engineer")
    );

    said(&hub, 6, "ann", "/loom status").await;
    said(&hub, 7, "ann", "/loom dance").await;
    assert!(answer(&hub).await.contains("`/loom assign <role>`"));
    let comments = hub.comments(&open).await;
    assert_eq!(comments.len(), 1, "commands are no words: {comments:?}");
}

#[tokio::test]
async fn a_command_is_obeyed_once() {
    let hub = filed().await;
    for _ in 0..5 {
        said(&hub, 1, "ann", "/loom priority P0").await;
    }
    said(&hub, 2, "ann", "/loom priority P3").await;
    said(&hub, 1, "ann", "/loom priority P0").await;
    assert_eq!(hub.only_bead().await.priority, Priority::new(3).unwrap());
}

#[tokio::test]
async fn who_may_not_write_commands_nothing() {
    let hub = filed().await;
    let bead = hub.only_bead().await;
    let new = NewDecision::new(DecisionKind::Question, "q:1", "Which one?");
    write!(hub.world, |change| decision::ask(&change, &bead, &new, "")).unwrap();
    for (id, body) in [
        (1, "/loom approve"),
        (2, "/loom deny because"),
        (3, "/loom stop"),
        (4, "/loom priority P0"),
        (5, "/loom work"),
    ] {
        assert_eq!(
            said(&hub, id, "mallory", body).await,
            ["permission_missing"],
            "{body}"
        );
    }
    let now = hub.only_bead().await;
    assert_eq!(
        (now.status, now.priority, now.open_decisions),
        (bead.status, bead.priority, 1)
    );
    assert!(answer(&hub).await.contains("mallory may not write"));

    // And makes Loom write nothing where it does not write anyway.
    let elsewhere = merged(
        comment(6, "mallory", "/loom work"),
        json!({"issue": {"number": 8}}),
    );
    hub.deliver("issue_comment", &elsewhere).await.unwrap();
    let due = github::due_reports(hub.world.db(), 10).await.unwrap();
    assert!(due.iter().all(|report| report.number == 7), "{due:?}");
    assert_eq!(hub.beads().await.len(), 1);
}

#[tokio::test]
async fn a_decision_is_answered_by_the_person_on_github() {
    for (body, decided) in [
        ("/loom approve fine by me", "approve"),
        ("/loom deny not like this", "deny"),
    ] {
        let hub = filed().await;
        let bead = hub.only_bead().await;
        assert_eq!(said(&hub, 1, "ann", body).await, ["nothing_to_decide"]);
        let new = NewDecision::new(DecisionKind::Question, "q:1", "Which one?");
        write!(hub.world, |change| decision::ask(&change, &bead, &new, "")).unwrap();
        assert_eq!(said(&hub, 2, "ann", body).await, Vec::<&str>::new());
        let all = decision::of_bead(hub.world.db(), &bead.id).await.unwrap();
        assert_eq!(all[0].decision.as_deref(), Some(decided));
        assert_eq!(all[0].decider.as_deref(), Some("github:ann"));
        assert!(body.ends_with(all[0].rationale.as_deref().unwrap()));
        assert_eq!(said(&hub, 3, "ann", body).await, ["nothing_to_decide"]);
    }
}

#[tokio::test]
async fn of_two_open_questions_none_is_answered_by_guess() {
    let hub = filed().await;
    let bead = hub.only_bead().await;
    for fingerprint in ["q:1", "q:2"] {
        let new = NewDecision::new(DecisionKind::Question, fingerprint, "Which one?");
        write!(hub.world, |change| decision::ask(&change, &bead, &new, "")).unwrap();
    }
    assert_eq!(
        said(&hub, 1, "ann", "/loom approve").await,
        ["several_to_decide"]
    );
    assert_eq!(hub.only_bead().await.open_decisions, 2);
}

#[tokio::test]
async fn an_issue_that_was_not_filed_is_filed_on_command() {
    let hub = Hub::with(GithubSettings {
        file_issues: false,
        ..Default::default()
    })
    .await;
    hub.issue("opened", 1, json!({})).await;
    assert_eq!(
        said(&hub, 1, "ann", "/loom stop").await,
        ["issue_not_filed"]
    );
    said(&hub, 2, "bob", "It matters to me.").await;
    assert_eq!(hub.beads().await.len(), 0);
    said(&hub, 3, "ann", "/loom work").await;
    let bead = hub.only_bead().await;
    assert_eq!(hub.comments(&bead).await.len(), 1);
    assert!(answer(&hub).await.contains(&bead.id));
}

#[tokio::test]
async fn a_command_cannot_get_around_the_cap() {
    let hub = Hub::with(GithubSettings {
        max_runs_per_issue_hour: 1,
        ..Default::default()
    })
    .await;
    hub.issue("opened", 1, json!({})).await;
    let bead = hub.only_bead().await;
    let agent = hub.world.agent("one").await;
    hub.work(
        &bead,
        &agent.id,
        loom_domain::run::EndReason::DoneWithoutChange,
    )
    .await;
    assert_eq!(said(&hub, 1, "ann", "/loom work").await, ["rate_capped"]);
    assert!(answer(&hub).await.starts_with("It goes on at "));
    assert!(hub.world.claim(&bead.id, &agent.id).await.is_err());
}

#[tokio::test]
async fn i8_marked_comments_and_bots_say_nothing() {
    let hub = filed().await;
    let bead = hub.only_bead().await;
    for (id, login, body) in [
        (1, "ann", "<!-- loom:status -->\n/loom stop"),
        (2, "loom[bot]", "/loom stop"),
        (3, "other[bot]", "/loom stop"),
    ] {
        let refused = hub
            .deliver("issue_comment", &comment(id, login, body))
            .await;
        assert!(
            matches!(refused, Err("marked_comment" | "own_action" | "bot_action")),
            "{refused:?}"
        );
    }
    assert_eq!(hub.only_bead().await, bead);
    assert_eq!(hub.comments(&bead).await.len(), 0);
}

#[tokio::test]
async fn a_comment_on_a_pull_request_goes_to_the_bead_that_owns_or_reviews_it() {
    let hub = Hub::new().await;
    let on_pull_request = |id, body| {
        merged(
            comment(id, "ann", body),
            json!({"issue": {"number": 9, "pull_request": {}}}),
        )
    };
    // Before anything is known of the pull request.
    hub.deliver("issue_comment", &on_pull_request(1, "Early."))
        .await
        .unwrap();
    hub.deliver("pull_request", &super::pull_request("opened", 1, json!({})))
        .await
        .unwrap();
    hub.deliver(
        "issue_comment",
        &on_pull_request(2, "Later.\n/loom priority P1"),
    )
    .await
    .unwrap();
    let line = merged(
        merged(super::pull_request("created", 1, json!({})), by("bob")),
        json!({"comment": {"id": 1, "body": "Why?", "path": "src/a.rs", "line": 3, "user": {"login": "bob"}}}),
    );
    hub.deliver("pull_request_review_comment", &line)
        .await
        .unwrap();
    let bead = hub.only_bead().await;
    let texts: Vec<String> = hub
        .comments(&bead)
        .await
        .into_iter()
        .map(|(_, text)| text)
        .collect();
    assert_eq!(
        texts,
        [
            "Early.",
            "Later.\n/loom priority P1",
            "On src/a.rs, line 3:\nWhy?"
        ]
    );
    assert_eq!(bead.priority, Priority::new(1).unwrap());
}
