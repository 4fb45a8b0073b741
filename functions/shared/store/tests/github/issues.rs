use futures_util::future::join_all;
use loom_domain::{
    bead::{BeadInput, BeadStatus, Priority},
    event::EventKind,
    github::GithubSettings,
    run::EndReason,
};
use loom_platform::Statements;
use loom_store::{bead, github};
use serde_json::{Value, json};

use super::{Hub, codes, issue, permutations, pull_request};
use crate::write;

fn labels(names: &[&str]) -> Value {
    let labels: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
    json!({"issue": {"labels": labels}})
}

#[tokio::test]
async fn an_opened_issue_is_one_bead_with_all_that_it_says() {
    let hub = Hub::new().await;
    let applied = hub
        .issue("opened", 1, labels(&["bug", "P1", "role:qa", "wild idea"]))
        .await;
    let bead = hub.only_bead().await;
    assert_eq!(applied.filed, std::slice::from_ref(&bead.id));
    assert!(applied.nudge);
    assert_eq!(bead.kind, "bug");
    assert_eq!(bead.priority, Priority::new(1).unwrap());
    assert_eq!(bead.title, "It breaks");
    assert!(
        bead.description.starts_with("Always."),
        "{}",
        bead.description
    );
    assert!(
        bead.description
            .contains("by ann: https://github.com/acme/widget/issues/7")
    );
    assert_eq!(
        bead.tags,
        ["role:qa-engineer", "bug", "P1", "role:qa", "wild idea"]
    );
    assert_eq!(
        bead.fingerprint.as_deref(),
        Some("github:issue:acme/widget#7")
    );
    assert_eq!(bead.created_by, "github:ann");
    assert_eq!(bead.context["github_issue"], 7);
    let (_, issue) = github::issue_of_bead(hub.world.db(), &bead.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(issue.number, 7);
}

#[tokio::test]
async fn i8_the_same_delivery_five_times_is_one_bead_and_one_event() {
    let hub = Hub::new().await;
    for _ in 0..5 {
        hub.issue("opened", 1, labels(&["bug"])).await;
    }
    let bead = hub.only_bead().await;
    for _ in 0..5 {
        hub.issue("closed", 2, json!({})).await;
        hub.issue("opened", 1, labels(&["bug"])).await;
    }
    let closed = hub.only_bead().await;
    assert_eq!((closed.id, closed.status), (bead.id, BeadStatus::Closed));
    assert_eq!(hub.events(EventKind::GithubIssueOpened).await, 1);
    assert_eq!(hub.events(EventKind::BeadCreated).await, 1);
    assert_eq!(hub.events(EventKind::BeadCompleted).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn i8_deliveries_at_the_same_time_are_one_bead() {
    let hub = Hub::new().await;
    let payload = issue("opened", 1, json!({}));
    let all = join_all((0..5).map(|_| hub.deliver("issues", &payload))).await;
    assert!(all.iter().all(Result::is_ok));
    hub.only_bead().await;
}

#[tokio::test]
async fn any_order_of_deliveries_ends_in_the_same_bead() {
    let sequence = [
        issue("opened", 1, json!({})),
        issue(
            "edited",
            2,
            json!({"issue": {"title": "It breaks often", "labels": [{"name": "bug"}]}}),
        ),
        issue(
            "closed",
            3,
            json!({"issue": {"title": "It breaks often", "labels": [{"name": "bug"}]}}),
        ),
        // Within the same second, as programs do it.
        issue(
            "reopened",
            3,
            json!({"issue": {"title": "It breaks often", "labels": [{"name": "bug"}, {"name": "P0"}]}}),
        ),
    ];
    for length in 1..=sequence.len() {
        let mut expected: Option<(String, String, String, BeadStatus, Priority, Vec<String>)> =
            None;
        for order in permutations(&sequence[..length]) {
            let hub = Hub::new().await;
            for payload in order.iter().chain(&order) {
                hub.deliver("issues", payload).await.unwrap();
            }
            let bead = hub.only_bead().await;
            let state = (
                bead.title,
                bead.description,
                bead.kind,
                bead.status,
                bead.priority,
                bead.tags,
            );
            assert_eq!(
                *expected.get_or_insert_with(|| state.clone()),
                state,
                "{order:?}"
            );
        }
        let (title, _, _, status, _, _) = expected.unwrap();
        assert_eq!(status == BeadStatus::Closed, length == 3);
        assert_eq!(title == "It breaks", length == 1);
    }
}

#[tokio::test]
async fn the_bead_follows_its_issue_and_keeps_what_people_changed_in_loom() {
    let hub = Hub::new().await;
    hub.issue("opened", 1, labels(&["P1", "old"])).await;
    let bead = hub.only_bead().await;
    let mine = BeadInput {
        priority: Priority::new(0),
        tags: Some(vec!["P1".into(), "old".into(), "mine".into()]),
        ..Default::default()
    };
    hub.world.update(&bead.id, mine).await.unwrap();
    let edited = json!({"issue": {"title": "Better", "body": "Sometimes.", "labels": [{"name": "P1"}, {"name": "new"}]}});
    hub.issue("edited", 2, edited).await;
    let bead = hub.only_bead().await;
    assert_eq!(bead.title, "Better");
    assert!(bead.description.starts_with("Sometimes."));
    assert_eq!(bead.tags, ["P1", "new", "mine"]);
    assert_eq!(
        bead.priority,
        Priority::P0,
        "what the issue did not change stays"
    );
    assert_eq!(bead.status, BeadStatus::Open);
    hub.issue(
        "labeled",
        3,
        json!({"issue": {"labels": [{"name": "P3"}, {"name": "new"}]}}),
    )
    .await;
    assert_eq!(hub.only_bead().await.priority, Priority::new(3).unwrap());
}

#[tokio::test]
async fn a_closed_transferred_or_deleted_issue_closes_its_bead_with_the_reason() {
    for (action, over, reason) in [
        (
            "closed",
            json!({"issue": {"state_reason": "not_planned"}}),
            "Issue #7 was closed as not planned by ann.",
        ),
        ("deleted", json!({}), "Issue #7 was deleted by ann."),
        (
            "transferred",
            json!({"changes": {"new_repository": {"full_name": "acme/other"}}}),
            "Issue #7 was transferred by ann to another repository, acme/other.",
        ),
    ] {
        let hub = Hub::new().await;
        hub.issue("opened", 1, json!({})).await;
        hub.issue(action, 2, over).await;
        let bead = hub.only_bead().await;
        assert_eq!(
            (bead.status, bead.close_reason.as_deref()),
            (BeadStatus::Closed, Some(reason))
        );
        hub.issue("edited", 1, json!({})).await;
        assert_eq!(hub.only_bead().await.status, BeadStatus::Closed);
    }
}

#[tokio::test]
async fn a_bead_that_loom_closed_opens_with_its_issue_and_with_nothing_else() {
    let hub = Hub::new().await;
    hub.issue("opened", 1, json!({})).await;
    let bead = hub.only_bead().await;
    let closed = BeadInput {
        status: Some(BeadStatus::Closed),
        ..Default::default()
    };
    hub.world.update(&bead.id, closed).await.unwrap();
    let own = hub
        .deliver("issues", &issue("closed", 2, super::by("loom[bot]")))
        .await;
    assert_eq!(own.unwrap_err(), "own_action");
    hub.issue("edited", 3, json!({"issue": {"title": "Other"}}))
        .await;
    assert_eq!(hub.only_bead().await.status, BeadStatus::Closed);
    hub.issue("reopened", 4, json!({})).await;
    assert_eq!(hub.only_bead().await.status, BeadStatus::Open);
}

#[tokio::test]
async fn only_labelled_issues_are_filed_where_the_project_says_so() {
    let settings = GithubSettings {
        issue_label: Some("loom".into()),
        ..Default::default()
    };
    let sequence = [
        issue("opened", 1, json!({})),
        issue("labeled", 2, labels(&["loom"])),
        issue("unlabeled", 3, json!({})),
    ];
    for order in permutations(&sequence) {
        let hub = Hub::with(settings.clone()).await;
        for payload in &order {
            hub.deliver("issues", payload).await.unwrap();
        }
        assert_eq!(hub.only_bead().await.tags, Vec::<String>::new());
    }
    let hub = Hub::with(settings).await;
    hub.issue("opened", 1, labels(&["bug"])).await;
    hub.issue("edited", 2, labels(&["bug"])).await;
    assert_eq!(hub.beads().await.len(), 0);
}

#[tokio::test]
async fn an_issue_that_nobody_opened_here_is_noted_and_not_filed() {
    let hub = Hub::new().await;
    for action in ["edited", "assigned", "closed"] {
        hub.issue(action, 1, json!({})).await;
    }
    assert_eq!(hub.beads().await.len(), 0);
}

#[tokio::test]
async fn a_bead_that_came_with_the_repository_is_taken_and_not_filed_again() {
    let hub = Hub::new().await;
    hub.issue("opened", 1, json!({})).await;
    let bead = hub.only_bead().await;
    // As another Loom would have filed it, and closed.
    for sql in ["DELETE FROM github_report", "DELETE FROM github_issue"] {
        hub.world.db().execute(sql, vec![]).await.unwrap();
    }
    let closed = BeadInput {
        status: Some(BeadStatus::Closed),
        ..Default::default()
    };
    hub.world.update(&bead.id, closed).await.unwrap();
    let applied = hub.issue("opened", 1, json!({})).await;
    assert_eq!(applied.filed, Vec::<String>::new());
    assert_eq!(hub.only_bead().await.id, bead.id);
}

#[tokio::test]
async fn a_deleted_bead_is_not_filed_again() {
    let hub = Hub::new().await;
    hub.issue("opened", 1, json!({})).await;
    let bead = hub.only_bead().await;
    write!(hub.world, |change| bead::delete(&change, &bead)).unwrap();
    let applied = hub.issue("reopened", 2, json!({})).await;
    assert_eq!(codes(&applied), ["bead_deleted"]);
    assert_eq!(hub.beads().await.len(), 0);
}

#[tokio::test]
async fn what_a_cap_keeps_from_being_filed_is_filed_later() {
    let hub = Hub::new().await;
    for number in 1..=61 {
        let payload = issue("opened", 1, json!({"issue": {"number": number}}));
        let applied = hub.deliver("issues", &payload).await.unwrap();
        assert_eq!(
            codes(&applied).contains(&"auto_file_rate"),
            number == 61,
            "{number}"
        );
    }
    assert_eq!(hub.beads().await.len(), 60);
    let waiting = github::unfiled_issues(hub.world.db(), 10).await.unwrap();
    assert_eq!(waiting, [(hub.world.project.id.clone(), 61)]);
    let project = hub.project().await;
    assert!(
        !write!(hub.world, |change| github::file_issue(
            &change, &project, 61
        ))
        .unwrap()
    );
    let sql = "UPDATE bead SET created_at = created_at - 3600001";
    hub.world.db().execute(sql, vec![]).await.unwrap();
    for _ in 0..2 {
        assert!(
            write!(hub.world, |change| github::file_issue(
                &change, &project, 61
            ))
            .unwrap()
        );
    }
    assert_eq!(hub.beads().await.len(), 61);
    let review = pull_request("opened", 1, json!({"pull_request": {"number": 62}}));
    let sql = "UPDATE bead SET created_at = created_at + 3600001";
    hub.world.db().execute(sql, vec![]).await.unwrap();
    let applied = hub.deliver("pull_request", &review).await.unwrap();
    assert_eq!(codes(&applied), ["auto_file_rate"]);
    let waiting = github::unfiled_issues(hub.world.db(), 10).await.unwrap();
    assert_eq!(waiting, [(hub.world.project.id.clone(), 62)]);
    let sql = "UPDATE bead SET created_at = created_at - 3600001";
    hub.world.db().execute(sql, vec![]).await.unwrap();
    assert!(
        write!(hub.world, |change| github::file_issue(
            &change, &project, 62
        ))
        .unwrap()
    );
    assert!(
        github::unfiled_issues(hub.world.db(), 10)
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn i8_loom_and_unlisted_bots_file_nothing_but_a_bot_may_close() {
    let hub = Hub::new().await;
    for login in ["loom[bot]", "stale[bot]"] {
        let refused = hub
            .deliver("issues", &issue("opened", 1, super::by(login)))
            .await;
        assert!(refused.unwrap_err().ends_with("_action"));
        let labelled = super::merged(super::by(login), labels(&["bug"]));
        let _ = hub.deliver("issues", &issue("labeled", 1, labelled)).await;
    }
    assert_eq!(hub.beads().await.len(), 0);
    hub.issue("opened", 2, json!({})).await;
    hub.issue("closed", 3, super::by("stale[bot]")).await;
    assert_eq!(hub.only_bead().await.status, BeadStatus::Closed);
    let reopened = hub
        .deliver("issues", &issue("reopened", 4, super::by("stale[bot]")))
        .await;
    assert_eq!(reopened.unwrap_err(), "bot_action");
    assert_eq!(hub.only_bead().await.status, BeadStatus::Closed);
}

#[tokio::test]
async fn an_issue_that_is_opened_again_and_again_starts_a_bounded_number_of_runs() {
    let settings = GithubSettings {
        max_runs_per_issue_hour: 2,
        ..Default::default()
    };
    let hub = Hub::with(settings).await;
    let agent = hub.world.agent("one").await;
    hub.issue("opened", 1, json!({})).await;
    let bead = hub.only_bead().await;
    for round in 0..2 {
        hub.work(&bead, &agent.id, EndReason::DoneWithoutChange)
            .await;
        hub.issue("closed", 10 * round + 2, json!({})).await;
        let applied = hub.issue("reopened", 10 * round + 3, json!({})).await;
        assert_eq!(codes(&applied).contains(&"rate_capped"), round == 1);
    }
    let held = hub.only_bead().await;
    assert_eq!(held.status, BeadStatus::Open);
    assert!(held.retry_at.is_some());
    assert!(hub.world.claim(&bead.id, &agent.id).await.is_err());
}

#[tokio::test]
async fn an_unknown_repository_is_ignored() {
    let hub = Hub::new().await;
    let elsewhere = issue(
        "opened",
        1,
        json!({"repository": {"full_name": "acme/other"}}),
    );
    assert_eq!(
        hub.deliver("issues", &elsewhere).await.unwrap_err(),
        "unknown_repository"
    );
    assert_eq!(
        hub.deliver("ping", &json!({"zen": "x"})).await.unwrap_err(),
        "unknown_repository"
    );
    assert_eq!(hub.beads().await.len(), 0);
}

#[tokio::test]
async fn texts_of_any_size_and_kind_make_a_bead() {
    let hub = Hub::new().await;
    let many: Vec<Value> = (0..300)
        .map(|number| json!({"name": format!("{number} {}", "é".repeat(400))}))
        .collect();
    let wild = json!({"issue": {"title": format!("a\u{0}\n{}", "é".repeat(5_000)), "body": "日".repeat(400_000), "labels": many,
        "user": null}});
    hub.issue("opened", 1, wild).await;
    let bead = hub.only_bead().await;
    assert!(
        bead.title.starts_with("a é") && bead.title.ends_with('…'),
        "{}",
        bead.title
    );
    assert!(bead.description.contains("[Cut by Loom:"));
    assert_eq!(bead.tags.len(), 100);
}
