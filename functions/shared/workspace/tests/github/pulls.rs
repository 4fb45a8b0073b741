use loom_workspace::{Operation, Outcome, ReviewComment, Verdict, Workspace};

use crate::support::{REPO, World, open_pull, repository, write};

async fn world() -> World {
    World::with(repository().file("a", "1\n2\n3\n").file("b", "b\n")).await
}

fn review(number: Option<u64>, verdict: Verdict, lines: &[(&str, u32)]) -> Operation {
    Operation::Review {
        number,
        verdict,
        body: "I have read it.".into(),
        comments: lines
            .iter()
            .map(|(path, line)| ReviewComment {
                path: (*path).into(),
                line: *line,
                body: format!("See {path} {line}."),
            })
            .collect(),
    }
}

fn text<'a>(value: &'a serde_json::Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_pull_request_is_opened_once_and_brought_up_to_date() {
    let world = world().await;
    let open = || open_pull("Count to three", "What: counting.");
    assert_eq!(world.refused("r", open()).await.code, "nothing_to_merge");
    world.perform("r", write("a", "1\n2\n")).await;
    assert_eq!(world.refused("r", open()).await.code, "uncommitted_changes");
    world.commit("r").await;
    let call = || world.call("r", 1, "r:5:0", open());
    let first = world.workspace().perform(call()).await.unwrap();
    let Outcome::PullRequest {
        number,
        created,
        url,
    } = &first
    else {
        panic!("{first:?}")
    };
    assert!(
        *created && url.ends_with(&format!("/pull/{number}")),
        "{url}"
    );
    assert_eq!(world.workspace().perform(call()).await.unwrap(), first);
    // After a crash it is opened with what the work has cost by then.
    let dearer = open_pull("Count to three", "What: counting, for more.");
    let dearer = world.call("r", 1, "r:5:0", dearer);
    assert_eq!(world.workspace().perform(dearer).await.unwrap(), first);
    world.change("r", "b", "B\n").await;
    let again = world
        .perform("r", open_pull("Count and shout", "What: more."))
        .await;
    assert!(
        matches!(&again, Outcome::PullRequest { number: n, created: false, .. } if n == number),
        "{again:?}"
    );
    let pulls = world.github.pulls(REPO);
    assert_eq!(pulls.len(), 1);
    assert_eq!(text(&pulls[0], "title"), "Count and shout");
    assert!(text(&pulls[0], "body").starts_with("What: more.\n\n<!-- loom:step:"));
    assert_eq!(pulls[0]["base"]["ref"], "main");
    assert_eq!(pulls[0]["head"]["ref"], world.branch("r").await);
    assert_eq!(pulls[0]["labels"][0]["name"], "loom");
}

#[tokio::test]
async fn people_are_asked_for_a_review_and_an_unknown_one_is_no_obstacle() {
    let world = world().await;
    world
        .github
        .allow(REPO, "grace", loom_github_double::Permission::Write);
    world.change("r", "a", "1\n").await;
    let Operation::OpenPullRequest {
        title,
        body,
        labels,
        draft,
        ..
    } = open_pull("T", "B")
    else {
        unreachable!()
    };
    let open = Operation::OpenPullRequest {
        title,
        body,
        labels,
        draft,
        reviewers: vec!["nobody-knows".into(), "loom".into(), "grace".into()],
    };
    world.perform("r", open).await;
    let pulls = world.github.pulls(REPO);
    assert_eq!(pulls[0]["requested_reviewers"][0]["login"], "grace");
}

#[tokio::test]
async fn a_review_has_its_comments_on_lines_where_the_diff_shows_them() {
    let world = world().await;
    world.push("feature", &[("a", "1\n2\n3\n4\n"), ("new", "x\n")]);
    let number = world
        .github
        .open_pull(REPO, "grace", "More", "feature", "main", "");
    let operation = || {
        review(
            Some(number),
            Verdict::RequestChanges,
            &[("a", 4), ("new", 1), ("b", 1), ("a", 99)],
        )
    };
    let call = || world.call("r", 1, "r:1:0", operation());
    let first = world.workspace().perform(call()).await.unwrap();
    assert!(
        matches!(&first, Outcome::Reviewed { number: n, .. } if *n == number),
        "{first:?}"
    );
    assert_eq!(world.workspace().perform(call()).await.unwrap(), first);
    let made: Vec<_> = world
        .github
        .requests()
        .into_iter()
        .filter(|seen| seen.method == "POST" && seen.path.ends_with("/reviews"))
        .collect();
    assert_eq!(made.len(), 1);
    let sent: serde_json::Value = serde_json::from_str(&made[0].body).unwrap();
    assert_eq!(sent["event"], "REQUEST_CHANGES");
    assert_eq!(sent["comments"].as_array().unwrap().len(), 2);
    let body = text(&sent, "body");
    assert!(
        body.contains("`b:1`: See b 1.") && body.contains("`a:99`: See a 99."),
        "{body}"
    );
}

#[tokio::test]
async fn a_pull_request_of_its_own_is_reviewed_in_a_comment() {
    let world = world().await;
    world.change("r", "a", "1\n2\n3\n4\n").await;
    let error = world
        .refused("r", review(None, Verdict::Approve, &[]))
        .await;
    assert_eq!(error.code, "no_pull_request");
    world.perform("r", open_pull("T", "B")).await;
    world
        .perform("r", review(None, Verdict::Approve, &[("a", 4)]))
        .await;
    let made: Vec<_> = world
        .github
        .requests()
        .into_iter()
        .filter(|seen| {
            seen.path.ends_with("/reviews") && seen.method == "POST" && seen.status == 200
        })
        .collect();
    assert_eq!(made.len(), 1);
    assert!(
        made[0].body.contains("\"event\":\"COMMENT\"") && made[0].body.contains("**Approved.**"),
        "{}",
        made[0].body
    );
}

#[tokio::test]
async fn a_run_reviews_the_pull_request_that_it_goes_on_with() {
    let world = world().await;
    world.push("feature", &[("a", "1\n2\n3\n4\n")]);
    let number = world
        .github
        .open_pull(REPO, "grace", "More", "feature", "main", "");
    for (run, continues) in [
        ("r1", "feature".to_owned()),
        ("r2", format!("pull/{number}/head")),
    ] {
        let mut call = world.call(
            run,
            1,
            &format!("{run}:1"),
            review(None, Verdict::Comment, &[]),
        );
        call.run.continues = Some(continues);
        let done = world.workspace().perform(call).await.unwrap();
        assert!(
            matches!(done, Outcome::Reviewed { number: n, .. } if n == number),
            "{done:?}"
        );
        assert_eq!(world.content(run, "a").await, "1\n2\n3\n4\n");
    }
}
