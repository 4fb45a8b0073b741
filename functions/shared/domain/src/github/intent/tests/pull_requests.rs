//! What actions on pull requests, and their reviews, ask for.

use super::*;

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
