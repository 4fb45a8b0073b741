use proptest::prelude::*;
use serde_json::json;

use super::super::{Command, TABLE};
use super::*;

const SHA: &str = "1111111111111111111111111111111111111111";

fn verdict_with(settings: &GithubSettings, event: &str, payload: &Value) -> Verdict {
    let known = Known {
        settings,
        own_login: Some("loom[bot]"),
        branch: "main",
    };
    of(event, payload, known)
}

fn verdict(event: &str, payload: &Value) -> Verdict {
    verdict_with(&GithubSettings::default(), event, payload)
}

/// What is asked for, without the event that every delivery of a person is.
fn intents(event: &str, payload: &Value) -> Vec<Intent> {
    match verdict(event, payload) {
        Verdict::Act(intents) => intents
            .into_iter()
            .filter(|intent| {
                !matches!(intent, Intent::Announce(told) if told.kind == EventKind::WebhookReceived)
            })
            .collect(),
        Verdict::Ignore(ignored) => panic!("{event}: {ignored:?}"),
    }
}

fn code(event: &str, payload: &Value) -> &'static str {
    match verdict(event, payload) {
        Verdict::Ignore(ignored) => ignored.code,
        Verdict::Act(intents) => panic!("{event}: {intents:?}"),
    }
}

fn merged(mut base: Value, over: Value) -> Value {
    fn put(base: &mut Value, over: Value) {
        match (base, over) {
            (Value::Object(base), Value::Object(over)) => {
                for (key, value) in over {
                    put(base.entry(key).or_insert(Value::Null), value);
                }
            }
            (base, over) => *base = over,
        }
    }
    put(&mut base, over);
    base
}

fn from(login: &str, kind: &str) -> Value {
    json!({"sender": {"login": login, "type": kind}, "repository": {"full_name": "acme/widget"}})
}

fn issue(action: &str, over: Value) -> Value {
    let payload = merged(
        from("ann", "User"),
        json!({"action": action, "issue": {
            "number": 7, "title": "It breaks", "body": "Always.", "state": "open",
            "html_url": "https://github.com/acme/widget/issues/7", "user": {"login": "ann"},
            "labels": [{"name": "bug"}], "updated_at": "2026-11-24T10:00:00Z"}}),
    );
    merged(payload, over)
}

fn comment(body: &str, over: Value) -> Value {
    let said = json!({"comment": {"id": 5, "body": body, "user": {"login": "ann"},
        "html_url": "https://github.com/acme/widget/issues/7#issuecomment-5"}});
    merged(merged(issue("created", json!({})), said), over)
}

fn pull_request(action: &str, over: Value) -> Value {
    let payload = merged(
        from("ann", "User"),
        json!({"action": action, "pull_request": {
            "number": 9, "title": "Mend it", "body": null, "state": "open", "draft": false, "merged": false,
            "html_url": "https://github.com/acme/widget/pull/9", "user": {"login": "ann"},
            "head": {"ref": "mend", "sha": SHA, "repo": {"full_name": "acme/widget"}},
            "base": {"ref": "main", "sha": SHA}, "updated_at": "2026-11-24T10:00:00Z"}}),
    );
    merged(payload, over)
}

fn the_issue(intents: &[Intent]) -> &Issue {
    intents
        .iter()
        .find_map(|intent| match intent {
            Intent::Issue(issue) => Some(issue),
            _ => None,
        })
        .unwrap()
}

fn the_pull_request(intents: &[Intent]) -> &PullRequest {
    intents
        .iter()
        .find_map(|intent| match intent {
            Intent::PullRequest(found) => Some(found),
            _ => None,
        })
        .unwrap()
}

fn the_comment(intents: &[Intent]) -> &Comment {
    intents
        .iter()
        .find_map(|intent| match intent {
            Intent::Comment(said) => Some(said),
            _ => None,
        })
        .unwrap()
}

fn told(intents: &[Intent]) -> Vec<&'static str> {
    intents
        .iter()
        .filter_map(|intent| match intent {
            Intent::Announce(told) => Some(told.kind.as_str()),
            _ => None,
        })
        .collect()
}

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

#[test]
fn comments_are_read_with_their_commands() {
    let intents = intents(
        "issue_comment",
        &comment("Please.\n/loom priority P1\n/loom dance", json!({})),
    );
    let said = the_comment(&intents);
    assert_eq!((said.number, said.on_pull_request, said.id), (7, false, 5));
    assert_eq!(said.commands.len(), 2);
    assert!(matches!(said.commands[0], Ok(Command::Priority(_))));
    assert!(said.text.starts_with("Please."));
    assert_eq!(told(&intents), ["github.comment_added"]);
    assert!(!the_issue(&intents).wants_bead);
    let need = intents.iter().find_map(Intent::needs_permission).unwrap();
    assert_eq!(need.login, "ann");
}

#[test]
fn words_need_no_permission_and_commands_are_no_words() {
    let plain = intents("issue_comment", &comment("I see it too.", json!({})));
    assert!(
        plain
            .iter()
            .all(|intent| intent.needs_permission().is_none())
    );
    let command = intents("issue_comment", &comment("/loom work", json!({})));
    assert_eq!(the_comment(&command).text, "");
}

#[test]
fn a_long_comment_is_cut_in_the_event_and_in_the_conversation() {
    let long = "é".repeat(20_000);
    let intents = intents("issue_comment", &comment(&long, json!({})));
    assert!(the_comment(&intents).text.len() < 17 * 1024);
    let Some(Intent::Announce(told)) = intents
        .iter()
        .find(|intent| matches!(intent, Intent::Announce(_)))
    else {
        panic!("{intents:?}");
    };
    let shown = told.data["comment_body"].as_str().unwrap();
    assert_eq!(shown.chars().count(), 500);
    assert!(shown.ends_with("..."));
}

#[test]
fn a_comment_on_a_line_says_where() {
    let payload = merged(
        pull_request("created", json!({})),
        json!({"comment": {"id": 3, "body": "Why?", "user": {"login": "bob"}, "path": "src/a.rs", "line": 12}}),
    );
    let intents = intents("pull_request_review_comment", &payload);
    let said = the_comment(&intents);
    assert_eq!(said.text, "On src/a.rs, line 12:\nWhy?");
    assert_eq!(
        (said.source, said.on_pull_request, said.number),
        (CommentSource::Line, true, 9)
    );
}

#[test]
fn what_each_action_on_a_pull_request_asks_for() {
    for (action, over, wants, another) in [
        ("opened", json!({}), true, false),
        (
            "opened",
            json!({"pull_request": {"draft": true}}),
            false,
            false,
        ),
        ("ready_for_review", json!({}), true, false),
        ("synchronize", json!({}), true, false),
        ("reopened", json!({}), true, true),
        (
            "review_requested",
            json!({"requested_reviewer": {"login": "bob"}}),
            true,
            false,
        ),
        (
            "review_requested",
            json!({"requested_reviewer": {"login": "loom[bot]"}}),
            true,
            true,
        ),
        (
            "closed",
            json!({"pull_request": {"state": "closed"}}),
            false,
            false,
        ),
        ("edited", json!({}), false, false),
        ("labeled", json!({}), false, false),
    ] {
        let intents = intents("pull_request", &pull_request(action, over));
        let found = the_pull_request(&intents);
        assert_eq!(
            (found.wants_review, found.wants_another),
            (wants, another),
            "{action}"
        );
    }
    let over =
        json!({"pull_request": {"state": "closed", "merged": true, "merge_commit_sha": SHA}});
    let intents = intents("pull_request", &pull_request("closed", over));
    let state = &the_pull_request(&intents).state;
    assert_eq!(
        (state.is_open, state.merged_sha.as_deref()),
        (false, Some(SHA))
    );
}

#[test]
fn only_branches_of_the_repository_itself_are_looms() {
    for (branch, home, owner) in [
        ("agent/bd-12345/mend-it", "acme/widget", Some("bd-12345")),
        ("agent/bd-12345/mend-it", "Acme/Widget", Some("bd-12345")),
        ("agent/bd-12345/mend-it", "mallory/widget", None),
        ("agent/bd-12345", "acme/widget", None),
        ("agent//x", "acme/widget", None),
        ("mend", "acme/widget", None),
    ] {
        let head = json!({"pull_request": {"head": {"ref": branch, "repo": {"full_name": home}}}});
        let intents = intents("pull_request", &pull_request("opened", head));
        assert_eq!(
            the_pull_request(&intents).state.owner.as_deref(),
            owner,
            "{branch} {home}"
        );
    }
    let gone = json!({"pull_request": {"head": {"ref": "agent/bd-12345/x", "repo": null}}});
    let intents = intents("pull_request", &pull_request("closed", gone));
    assert_eq!(the_pull_request(&intents).state.owner, None);
}

#[test]
fn reviews_need_permission_where_they_decide() {
    for (word, state, needs) in [
        ("approved", ReviewState::Approved, true),
        ("APPROVED", ReviewState::Approved, true),
        ("changes_requested", ReviewState::ChangesRequested, true),
        ("commented", ReviewState::Commented, false),
        ("dismissed", ReviewState::Commented, false),
    ] {
        let payload = merged(
            pull_request("submitted", json!({})),
            json!({"review": {"id": 4, "state": word, "body": "Hm.", "user": {"login": "bob"}, "commit_id": SHA}}),
        );
        let intents = intents("pull_request_review", &payload);
        let Some(Intent::Review(review)) = intents.last() else {
            panic!("{intents:?}");
        };
        assert_eq!((review.state, review.commit.as_deref()), (state, Some(SHA)));
        assert_eq!(
            intents
                .iter()
                .any(|intent| intent.needs_permission().is_some()),
            needs,
            "{word}"
        );
    }
}

fn checks(event: &str, over: Value) -> Value {
    let payload = merged(
        from("github-actions[bot]", "Bot"),
        json!({"action": "completed", event: {"name": "CI", "head_sha": SHA, "head_branch": "main", "conclusion": "failure",
            "html_url": "https://github.com/acme/widget/actions/runs/1", "updated_at": "2026-11-24T10:00:00Z",
            "completed_at": "2026-11-24T10:00:00Z", "event": "push", "head_repository": {"full_name": "acme/widget"},
            "check_suite": {"head_branch": "main"}, "app": {"slug": "other-ci"}}}),
    );
    merged(payload, json!({ event: over }))
}

#[test]
fn checks_are_results_whoever_caused_them_and_one_event_tells_of_a_broken_branch() {
    for (event, over, builds) in [
        ("workflow_run", json!({}), 1),
        ("workflow_run", json!({"conclusion": "success"}), 1),
        ("workflow_run", json!({"conclusion": "cancelled"}), 0),
        (
            "workflow_run",
            json!({"head_branch": "agent/bd-12345/x"}),
            0,
        ),
        ("workflow_run", json!({"event": "pull_request"}), 0),
        (
            "workflow_run",
            json!({"head_repository": {"full_name": "mallory/widget"}}),
            0,
        ),
        ("check_run", json!({}), 1),
        ("check_run", json!({"app": {"slug": "github-actions"}}), 0),
        (
            "check_run",
            json!({"check_suite": {"head_branch": null}}),
            0,
        ),
        ("check_suite", json!({}), 0),
    ] {
        let intents = intents(event, &checks(event, over.clone()));
        let Intent::ChecksEnded(ended) = &intents[0] else {
            panic!("{intents:?}");
        };
        assert_eq!(ended.sha, SHA);
        assert_eq!(intents.len() - 1, builds, "{event} {over}");
    }
}

#[test]
fn a_status_is_a_result_once_it_is_one() {
    let status = |state: &str, branch: &str| {
        merged(
            from("ci[bot]", "Bot"),
            json!({"sha": SHA, "state": state, "context": "ci/x", "branches": [{"name": branch}],
                "updated_at": "2026-11-24T10:00:00Z"}),
        )
    };
    assert_eq!(intents("status", &status("pending", "main")), []);
    assert_eq!(intents("status", &status("error", "topic")).len(), 1);
    let all = intents("status", &status("error", "main"));
    let Intent::Build(build) = &all[1] else {
        panic!("{all:?}");
    };
    assert_eq!((build.name.as_str(), build.passed), ("ci/x", false));
}

#[test]
fn pushes_releases_and_repositories() {
    let push = |reference: &str, after: &str| {
        merged(
            from("loom[bot]", "Bot"),
            json!({"ref": reference, "after": after, "before": SHA}),
        )
    };
    assert!(matches!(
        &intents("push", &push("refs/heads/main", SHA))[..],
        [Intent::Push(_)]
    ));
    assert_eq!(intents("push", &push("refs/heads/topic", SHA)), []);
    assert_eq!(intents("push", &push("refs/tags/main", SHA)), []);
    assert_eq!(
        intents("push", &push("refs/heads/main", &"0".repeat(40))),
        []
    );

    let release =
        json!({"action": "published", "release": {"id": 1, "tag_name": "v1", "prerelease": true}});
    let all = intents("release", &merged(from("ann", "User"), release));
    assert_eq!(told(&all), ["release.published"]);

    let renamed = json!({"action": "renamed", "changes": {"repository": {"name": {"from": "gadget"}}},
        "repository": {"html_url": "https://github.com/acme/widget"}});
    let payload = merged(from("ann", "User"), renamed);
    assert_eq!(
        repositories("repository", &payload),
        [
            ("acme".to_owned(), "widget".to_owned()),
            ("acme".to_owned(), "gadget".to_owned())
        ]
    );
    assert!(matches!(
        &intents("repository", &payload)[..],
        [Intent::Repository(RepositoryChange::Moved(to))] if to.name == "widget"
    ));
    let transferred = json!({"action": "transferred", "changes": {"owner": {"from": {"organization": {"login": "old"}}}}});
    assert_eq!(
        repositories("repository", &merged(from("ann", "User"), transferred))[1],
        ("old".to_owned(), "widget".to_owned())
    );
    assert_eq!(repositories("ping", &json!({"zen": "x"})), []);
}

#[test]
fn loom_itself_bots_and_marked_comments_start_nothing() {
    let loom = json!({"sender": {"login": "loom[bot]", "type": "Bot"}});
    let bot = json!({"sender": {"login": "stale[bot]", "type": "Bot"}});
    assert_eq!(code("issues", &issue("opened", loom.clone())), "own_action");
    assert_eq!(code("issues", &issue("closed", loom.clone())), "own_action");
    assert_eq!(code("issues", &issue("opened", bot.clone())), "bot_action");
    assert_eq!(
        code("issue_comment", &comment("/loom work", loom.clone())),
        "own_action"
    );
    assert_eq!(
        code("issue_comment", &comment("/loom work", bot.clone())),
        "bot_action"
    );
    assert_eq!(
        code("star", &merged(from("x", "User"), bot.clone())),
        "bot_action"
    );
    let marked = comment(
        "Done.\n<!-- loom:status:bd-12345 -->\n/loom work",
        json!({}),
    );
    assert_eq!(code("issue_comment", &marked), "marked_comment");

    // What they change is followed all the same.
    let closed = merged(bot.clone(), json!({"issue": {"state": "closed"}}));
    let all = intents("issues", &issue("closed", closed));
    assert_eq!(the_issue(&all).sender, Sender::Bot);
    for (who, sender) in [(loom, Sender::Own), (bot, Sender::Bot)] {
        let all = intents("pull_request", &pull_request("opened", who));
        let found = the_pull_request(&all);
        assert_eq!((found.sender, found.wants_review), (sender, false));
        assert_eq!(told(&all).len(), 0);
    }
    let settings = GithubSettings {
        allowed_bots: vec!["dependabot[bot]".to_owned()],
        ..GithubSettings::default()
    };
    let listed = json!({"sender": {"login": "dependabot[bot]", "type": "Bot"}});
    let Verdict::Act(all) =
        verdict_with(&settings, "pull_request", &pull_request("opened", listed))
    else {
        panic!("a listed bot");
    };
    assert!(the_pull_request(&all).wants_review);
}

#[test]
fn what_cannot_be_read_is_ignored_by_the_name_of_its_field() {
    for (event, payload, field) in [
        (
            "issues",
            issue("opened", json!({"issue": {"number": "7"}})),
            "issue.number",
        ),
        (
            "issues",
            issue("opened", json!({"issue": null})),
            "issue.number",
        ),
        (
            "issues",
            issue("opened", json!({"issue": {"updated_at": "soon"}})),
            "issue.updated_at",
        ),
        (
            "issue_comment",
            comment("x", json!({"comment": {"id": null}})),
            "comment.id",
        ),
        (
            "pull_request",
            pull_request("opened", json!({"pull_request": {"head": {"sha": "xyz"}}})),
            "head.sha",
        ),
        ("push", from("ann", "User"), "ref"),
        (
            "workflow_run",
            checks("workflow_run", json!({"head_sha": null})),
            "head_sha",
        ),
        (
            "repository",
            merged(from("ann", "User"), json!({"action": "renamed"})),
            "html_url",
        ),
    ] {
        match verdict(event, &payload) {
            Verdict::Ignore(ignored) => {
                assert_eq!(ignored.code, "unreadable_payload");
                assert!(ignored.why.contains(field), "{}", ignored.why);
            }
            Verdict::Act(intents) => panic!("{event}: {intents:?}"),
        }
    }
}

#[test]
fn everything_else_is_recorded() {
    for (event, action) in [
        ("ping", ""),
        ("star", "created"),
        ("create", ""),
        ("delete", ""),
        ("installation", "created"),
        ("installation_repositories", "added"),
        ("check_run", "created"),
        ("release", "edited"),
        ("issue_comment", "edited"),
        ("pull_request_review", "dismissed"),
        ("no_such_event", "at_all"),
    ] {
        let payload = merged(from("ann", "User"), json!({"action": action}));
        assert_eq!(intents(event, &payload), [], "{event}");
    }
}

/// Any JSON, with the names that are looked for more often than others.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "action",
        "issue",
        "number",
        "title",
        "body",
        "state",
        "labels",
        "name",
        "user",
        "login",
        "sender",
        "type",
        "updated_at",
        "pull_request",
        "head",
        "base",
        "ref",
        "sha",
        "repo",
        "repository",
        "full_name",
        "comment",
        "id",
        "review",
        "workflow_run",
        "check_run",
        "check_suite",
        "conclusion",
        "head_sha",
        "release",
        "tag_name",
        "after",
        "changes",
        "owner",
        "from",
        "branches",
        "html_url",
        "commit_id",
        "path",
        "merged",
        "draft",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "(?s).{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "opened",
            "closed",
            "created",
            "completed",
            "submitted",
            "2026-11-24T10:00:00Z",
            "refs/heads/main",
            SHA,
            "/loom work",
            "[bot]",
            "agent/a/b",
            "acme/widget",
            "failure",
            "https://github.com/a/b",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 64, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..12).prop_map(|pairs| {
                Value::Object(
                    pairs
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn any_event() -> impl Strategy<Value = String> {
    let known: Vec<String> = TABLE.iter().map(|rule| rule.event.to_owned()).collect();
    prop_oneof![prop::sample::select(known), ".{0,12}"]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_payload_of_any_event_is_read_without_harm(event in any_event(), payload in any_json()) {
        let _ = repositories(&event, &payload);
        if let Verdict::Ignore(ignored) = verdict(&event, &payload) {
            prop_assert!(ignored.why.ends_with('.'));
        }
    }

    /// A real payload of which one part is something else.
    #[test]
    fn a_payload_with_one_wrong_part_is_read_without_harm(
        which in 0_usize..6,
        pointer in prop::sample::select(vec![
            "/issue", "/issue/number", "/issue/title", "/issue/labels", "/issue/labels/0", "/issue/user", "/comment",
            "/comment/body", "/comment/user/login", "/pull_request/head", "/pull_request/head/repo", "/pull_request/base/ref",
            "/sender", "/sender/login", "/repository", "/action", "/workflow_run/head_sha", "/workflow_run/event", "/review",
        ]),
        wrong in any_json(),
    ) {
        let review = json!({"review": {"id": 4, "state": "approved", "body": "x", "user": {"login": "b"}}});
        let (event, mut payload) = match which {
            0 => ("issues", issue("opened", json!({}))),
            1 => ("issue_comment", comment("/loom work", json!({}))),
            2 => ("pull_request", pull_request("opened", json!({}))),
            3 => ("pull_request_review", merged(pull_request("submitted", json!({})), review)),
            4 => ("workflow_run", checks("workflow_run", json!({}))),
            _ => ("pull_request_review_comment", merged(pull_request("created", json!({})), comment("x", json!({})))),
        };
        if let Some(part) = payload.pointer_mut(pointer) {
            *part = wrong;
        }
        if let Verdict::Ignore(ignored) = verdict(event, &payload) {
            prop_assert!(!ignored.code.is_empty());
        }
    }
}
