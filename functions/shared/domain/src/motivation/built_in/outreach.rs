//! Public relations.

use super::{BuiltIn, HOUR, wakes};

pub(super) const ALL: &[BuiltIn] = &[
    wakes(
        "public-relations-manager-release-published",
        "public-relations-manager",
        "Release Published - Announcement",
        "When a release was published, has it announced.",
        ("release_published", "{}"),
        HOUR,
        80,
    )
    .files(
        "release-announcement",
        "Announce the release",
        "Write what is new in the release named below for people who use the program, from its notes and its commits.",
        2,
    ),
    wakes(
        "public-relations-manager-github-issue",
        "public-relations-manager",
        "GitHub Issue - Community Response",
        "Tells of new issues, whose authors wait for an answer.",
        ("github_issue_opened", "{}"),
        30,
        60,
    ),
    wakes(
        "public-relations-manager-github-comment",
        "public-relations-manager",
        "GitHub Comment - Community Engagement",
        "Tells of new comments.",
        ("github_comment_added", "{}"),
        15,
        50,
    ),
];
