use std::time::Instant;

use loom_test_support::{Access, GitHub, Loom, PATIENCE, Widget};

/// An issue becomes merged code: a webhook files the bead, an agent opens a pull request whose checks fail, reads their
/// log, and mends it; a person asks for changes, gets them on the same pull request, and approves; Loom merges, and closes
/// the bead and the issue. Two hosts on one database do it, each with its own part of the webhooks and the ticks.
#[test]
fn an_issue_becomes_merged_code_by_two_hosts() {
    all_the_way(Access::Token);
}

/// The same as a GitHub App, which gets its tokens for its installation and whose commits GitHub signs.
#[test]
fn an_issue_becomes_merged_code_as_a_github_app() {
    all_the_way(Access::App);
}

fn all_the_way(access: Access) {
    let github = GitHub::start(access);
    let Some(loom) = Loom::own(github.options()) else {
        return;
    };
    let Some(other) = loom.second_host() else {
        return;
    };
    github.tell(&loom, Some(&other));
    let mut widget = Widget::begin(&loom, &github);
    let deadline = Instant::now() + PATIENCE;
    while !widget.is_finished(&loom, &github) {
        loom.tick();
        other.tick();
        widget.turn(&loom, &github);
        assert!(
            Instant::now() < deadline,
            "{:#}",
            widget.unfinished(&loom, &github)
        );
    }
    assert!(github.double().settle(PATIENCE), "all webhooks are sent");
    widget.check(&loom, &github);
}
