use proptest::prelude::*;

use super::*;

fn wanted(title: &str, description: &str, tags: &[&str], auto_filed: bool) -> Option<WantedRole> {
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    wanted_role(title, description, &tags, auto_filed)
}

fn role(title: &str, description: &str, tags: &[&str], auto_filed: bool) -> Option<String> {
    wanted(title, description, tags, auto_filed).map(|wanted| wanted.role.to_string())
}

#[test]
fn a_persona_hint_in_a_title_is_read() {
    let table = [
        // The original's golden cases; its backend-engineer is the engineering manager here.
        (
            "ask the backend-engineer to fix this",
            Some("engineering-manager"),
        ),
        ("[web-designer] Fix CSS layout", Some("web-designer")),
        ("backend-engineer: Fix API", Some("engineering-manager")),
        ("**FOR web-designer AGENT** do it", Some("web-designer")),
        (
            "ask the backend engineer agent to look",
            Some("engineering-manager"),
        ),
        // Its pinned defect: this was read as the role "for-qa-engineer".
        ("for qa-engineer: review", Some("qa-engineer")),
        ("[QA] x", Some("qa-engineer")),
        ("[auto-filed] [qa-engineer] x", Some("qa-engineer")),
        ("[auto-filed] P0 - QA: x", Some("qa-engineer")),
        ("[bug][devops] x", Some("devops-engineer")),
        ("P1: [em] x", Some("engineering-manager")),
        ("QA Engineer: x", Some("qa-engineer")),
        ("**QA Engineer:** x", Some("qa-engineer")),
        ("**qa**: x", Some("qa-engineer")),
        ("default/qa-engineer: x", Some("qa-engineer")),
        ("For the QA engineer: x", Some("qa-engineer")),
        ("for the web designer agent: x", Some("web-designer")),
        (
            "for the web designer agent, please draw",
            Some("web-designer"),
        ),
        ("for web-designer agent only please", Some("web-designer")),
        (
            "**For the technical writer:** x",
            Some("documentation-manager"),
        ),
        (
            "Release 2.0 **FOR devops AGENT ONLY**",
            Some("devops-engineer"),
        ),
        (
            "Please ask the web designer to draw it",
            Some("web-designer"),
        ),
        (
            "ask QA to test, then ask the reviewer to review",
            Some("qa-engineer"),
        ),
        (
            "ask the user to log in and ask the reviewer to look",
            Some("code-reviewer"),
        ),
        ("Ask the CEO to approve the budget", Some("ceo")),
        ("[ceo] Budget", Some("ceo")),
        // What stands first addresses; the rest is content.
        (
            "[qa-engineer] ask the web designer to look",
            Some("qa-engineer"),
        ),
        ("fix: ask the web designer to look", Some("web-designer")),
        // None of these addresses a role.
        ("fix: a crash", None),
        ("feat: a button", None),
        ("docs: a typo", None),
        ("test: a case", None),
        ("for now: leave it", None),
        ("for qa-engineer", None),
        ("for the web designer we need paper", None),
        ("loom: fix the start", None),
        ("[loom] fix the start", None),
        ("[P1] qa of the release", None),
        ("[qa-engineers-of-mars] x", None),
        ("qa:fix", None),
        ("Time 12:30 qa", None),
        ("The role of the qa-engineer: a study", None),
        ("Do not ask the web designer to do it", None),
        ("Don’t ask the web designer to do it", None),
        ("Task the reviewer to look", None),
        ("asks the reviewer to look", None),
        ("ask the reviewer today", None),
        ("ask the reviewer", None),
        ("ask to", None),
        ("[", None),
        ("[]", None),
        (":", None),
        ("for", None),
        ("**for **", None),
        ("", None),
    ];
    for (title, expected) in table {
        assert_eq!(role(title, "", &[], false).as_deref(), expected, "{title}");
    }
}

#[test]
fn title_comes_before_description_before_tags() {
    let tags = ["ui", "persona:cfo", "role:cto"];
    assert_eq!(
        role("[qa] x", "devops: y", &tags, false).unwrap(),
        "qa-engineer"
    );
    assert_eq!(
        role("x", "devops: y", &tags, false).unwrap(),
        "devops-engineer"
    );
    assert_eq!(role("x", "y", &tags, false).unwrap(), "cfo");
    assert_eq!(
        role("x", "y", &["role=QA Engineer"], false).unwrap(),
        "qa-engineer"
    );
    assert_eq!(
        role("x", "y", &["persona:default/qa-engineer"], false).unwrap(),
        "qa-engineer"
    );
    assert_eq!(
        role(
            "x",
            "y",
            &["persona:astronaut", "qa", "qa-engineer", "persona"],
            false
        ),
        None
    );
}

#[test]
fn a_description_addresses_in_its_first_line_and_asks_anywhere() {
    let table = [
        ("\n\n  For the QA engineer: look\nmore", Some("qa-engineer")),
        (
            "First.\nThen ask the web designer to look.",
            Some("web-designer"),
        ),
        ("First.\n\n**FOR code-reviewer**", Some("code-reviewer")),
        // Minutes of a meeting, a quotation, a log.
        ("What was said:\nQA: it works\nreviewer: no", None),
        ("> ask the web designer to look", None),
        ("```\nask the web designer to look\n```\nNothing else", None),
        ("If in doubt, ask the CEO to decide.", None),
    ];
    for (description, expected) in table {
        assert_eq!(
            role("x", description, &[], false).as_deref(),
            expected,
            "{description}"
        );
    }
}

#[test]
fn a_bug_that_loom_filed_goes_to_a_role_that_exists() {
    let table = [
        (
            "Docker image does not start",
            &[][..],
            Some("devops-engineer"),
        ),
        ("Dockerfile: no such stage", &[], Some("devops-engineer")),
        ("Build failed on main", &[], Some("devops-engineer")),
        ("The pipelines stop", &[], Some("devops-engineer")),
        ("CI/CD broken", &[], Some("devops-engineer")),
        ("x", &["Build"], Some("devops-engineer")),
        (
            "Uncaught TypeError: a is undefined",
            &[],
            Some("web-designer"),
        ),
        ("foo is not a function", &[], Some("web-designer")),
        ("x", &["js_error"], Some("web-designer")),
        ("panic: boom", &[], Some("engineering-manager")),
        (
            "thread 'main' panicked at lib.rs",
            &[],
            Some("engineering-manager"),
        ),
        ("main.go:3: undefined: x", &[], Some("engineering-manager")),
        ("x", &["golang"], Some("engineering-manager")),
        (
            "P0 - API failure GET /api/v1/beads 500",
            &[],
            Some("engineering-manager"),
        ),
        ("GET /x failed (502)", &[], Some("engineering-manager")),
        (
            "404 not found on every page",
            &[],
            Some("engineering-manager"),
        ),
        ("HTTP timeout", &[], Some("engineering-manager")),
        ("x", &["api"], Some("engineering-manager")),
        ("SQL: no such table", &[], Some("engineering-manager")),
        ("PostgreSQL went away", &[], Some("engineering-manager")),
        ("FOREIGN KEY failed", &[], Some("engineering-manager")),
        ("x", &["db_error"], Some("engineering-manager")),
        ("The layout breaks", &[], Some("web-designer")),
        ("x", &["UI"], Some("web-designer")),
        // Words that only contain one of the words, numbers that are no status, links.
        (
            "Rebuilding the sequel: a guide to quick capitals",
            &[],
            None,
        ),
        ("Nothing displayed", &[], None),
        ("Line 404 of 500 was lost", &[], None),
        (
            "See https://example.com/css/404 and http://example.com",
            &[],
            None,
        ),
        ("unclear", &["guide", "fruit", "bug"], None),
    ];
    for (title, tags, expected) in table {
        assert_eq!(
            role(title, "", tags, true).as_deref(),
            expected,
            "{title} {tags:?}"
        );
        assert_eq!(
            role(title, "", tags, false),
            None,
            "{title}: a person filed it"
        );
    }
}

#[test]
fn a_hint_beats_the_guess() {
    assert_eq!(
        role("[qa-engineer] Docker broke", "", &["docker"], true).unwrap(),
        "qa-engineer"
    );
    assert_eq!(
        role("Docker broke", "", &["role:cto"], true).unwrap(),
        "cto"
    );
}

#[test]
fn the_first_kind_wins() {
    let found = wanted("CSS query in docker", "", &[], true).unwrap().reason;
    assert_eq!(
        found,
        RoutingReason::AutoBug {
            kind: BugKind::Build,
            word: "docker".into()
        }
    );
}

#[test]
fn the_reason_says_what_it_was_read_from() {
    let hint = wanted("[bug] [QA] x", "", &[], false).unwrap().reason;
    assert_eq!(hint.code(), "persona_hint");
    assert_eq!(hint.sentence(), "The title asks for the role: \"[QA]\".");
    let hint = wanted("x", "ask the web designer to draw", &[], false)
        .unwrap()
        .reason;
    assert_eq!(
        hint.sentence(),
        "The description asks for the role: \"ask the web designer\"."
    );
    let hint = wanted("For the QA engineer: x", "", &[], false)
        .unwrap()
        .reason;
    assert_eq!(
        hint.sentence(),
        "The title asks for the role: \"For the QA engineer:\"."
    );
    let bug = wanted("sql", "", &[], true).unwrap().reason;
    assert_eq!(
        bug.sentence(),
        "Filed automatically, and \"sql\" points to a database error."
    );
    let json = serde_json::to_value(&bug).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"code": "auto_bug", "kind": "database", "word": "sql"})
    );
}

#[test]
fn a_projects_own_role_can_be_asked_for() {
    let custom = [Role::parse_any("data-engineer").unwrap()];
    let found = wanted_role_among("[Data Engineer] x", "", &[], false, &custom).unwrap();
    assert_eq!(found.role, "data-engineer");
    assert_eq!(wanted_role("[Data Engineer] x", "", &[], false), None);
}

/// Loom's own name is also a project's, so nobody is addressed by it.
fn addressable() -> Vec<crate::role::KnownRole> {
    crate::role::KNOWN
        .into_iter()
        .filter(|role| role.name != "loom")
        .collect()
}

proptest! {
    #[test]
    fn it_never_panics(
        title in "(\\[|\\]|\\*\\*|for |ask |the |qa|agent|: | to |404|ſ|İ|\\PC){0,20}",
        description in "(?s)(ask |QA|`{3}\n|> |\\*\\*FOR | TO |\n|.){0,30}",
        tag in "(persona:|role=)?\\PC{0,12}",
        auto_filed: bool,
    ) {
        let _ = wanted_role(&title, &description, &[tag], auto_filed);
    }

    #[test]
    fn a_word_that_is_no_role_is_no_hint(word in "[a-z]{1,12}(-[a-z]{1,8}){0,2}") {
        let unknown = word == "loom" || Role::parse(&word).is_err();
        for title in [
            format!("[{word}] x"),
            format!("{word}: x"),
            format!("for the {word}: x"),
            format!("**FOR {word} AGENT** x"),
            format!("ask the {word} to x"),
        ] {
            let found = wanted_role(&title, "", &[], false);
            prop_assert_eq!(found.is_none(), unknown, "{}", title);
        }
    }

    #[test]
    fn every_way_of_asking_finds_every_spelling(
        role in prop::sample::select(addressable()),
        pick in any::<prop::sample::Index>(),
        spaced: bool,
    ) {
        let names: Vec<&str> =
            std::iter::once(&role.name).chain(role.aliases).copied().collect();
        let name = pick.get(&names);
        let name = if spaced { name.replace('-', " ").to_uppercase() } else { (*name).to_owned() };
        for title in [
            format!("[{name}] x"),
            format!("{name}: x"),
            format!("for {name}: x"),
            format!("x **FOR {name} AGENT** x"),
            format!("x, ask the {name} agent to x"),
        ] {
            let found = wanted_role(&title, "", &[], true).map(|wanted| wanted.role.to_string());
            prop_assert_eq!(found.as_deref(), Some(role.name), "{}", title);
        }
    }
}
