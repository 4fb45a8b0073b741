use proptest::prelude::*;
use serde_json::json;

use super::*;

const ACTIONS: [&str; 6] = [
    "read_tree",
    "read_file",
    "edit_file",
    "test",
    "escalate",
    "done",
];
const PATH: &str = "personas/default/qa-engineer/SKILL.md";

fn read(front: &str) -> Result<Persona, PersonaError> {
    parse(PATH, &format!("---\n{front}\n---\n\nBody.\n"), &ACTIONS)
}

fn refused(front: &str) -> (usize, String) {
    let error = read(front).expect_err(front);
    assert_eq!(error.file, PATH);
    (error.line, error.reason)
}

#[test]
fn a_whole_file_is_read() {
    let text = "---\n\
        # who\n\
        name: qa-engineer\n\
        description: \"Breaks things: \\\"gently\\\"\" # quoted\n\
        role: QA Engineer\n\
        autonomy_level: full\n\
        specialties: [regression, 'edge, cases', \"it's #1\"] # three\n\
        allowed_actions:\n\
        - read_file\n\
        - \"test\"   # with a comment\n\
        \n\
        - done\n\
        ---\n\
        \n\
        # Mission\n\n---\nNot a fence.\n\n";
    let persona = parse(PATH, text, &ACTIONS).unwrap();
    assert_eq!(
        persona,
        Persona {
            name: "default/qa-engineer".into(),
            description: "Breaks things: \"gently\"".into(),
            role: Role::parse("qa-engineer").unwrap(),
            autonomy: Autonomy::Full,
            specialties: vec!["regression".into(), "edge, cases".into(), "it's #1".into()],
            allowed_actions: AllowedActions::Only(vec![
                "read_file".into(),
                "test".into(),
                "done".into()
            ]),
            body: "# Mission\n\n---\nNot a fence.".into(),
        }
    );
    assert_eq!(persona.display_name(), "QA Engineer");
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let windows = parse(
        "personas\\default\\qa-engineer\\SKILL.md",
        &windows,
        &ACTIONS,
    )
    .unwrap();
    assert_eq!(windows.description, persona.description);
    assert_eq!(windows.specialties, persona.specialties);
}

#[test]
fn the_original_format_of_front_matter_loads() {
    let persona = read(
        "name: qa-engineer\n\
         description: >-\n  Plans tests\n  and runs them.\n\
         license: MIT\n\
         compatibility:\n  - anything: {at: all}\n      even: this\n\
         metadata:\n  role: QA Engineer\n  author: someone\n  autonomy_level: supervised\n  \
         specialties:\n  - planning\n  - regression",
    )
    .unwrap();
    assert_eq!(persona.description, "Plans tests and runs them.");
    assert_eq!(persona.role, "qa-engineer");
    assert_eq!(persona.autonomy, Autonomy::Supervised);
    assert_eq!(persona.specialties, ["planning", "regression"]);
    assert_eq!(persona.allowed_actions, AllowedActions::All);
}

#[test]
fn what_a_file_does_not_say_has_a_default() {
    let persona = read("description: d\nrole:\nautonomy-level: ~\nspecialties: null").unwrap();
    assert_eq!(persona.role, "qa-engineer");
    assert_eq!(persona.autonomy, Autonomy::Semi);
    assert!(persona.specialties.is_empty());
    assert!(persona.allowed_actions.allows("anything"));
    assert!(
        read("description: d\nspecialties: []")
            .unwrap()
            .specialties
            .is_empty()
    );
}

#[test]
fn text_has_every_style() {
    let table = [
        ("plain text, it's # not a comment but this is", None),
        ("a\n  b\n\n  c", Some("a b c")),
        ("it's 100% a-b (c) #1", Some("it's 100% a-b (c)")),
        ("c#", Some("c#")),
        ("'it''s'", Some("it's")),
        (
            "\"a\\n\\t\\\\\\/\\u00e9\\x41\\U0001F600\"",
            Some("a\n\t\\/éA😀"),
        ),
        ("|\n  a\n   b\n\n  c\n", Some("a\n b\n\nc")),
        (">\n  a\n  b\n\n  c\n   d\n  e\n", Some("a b\nc\n d\ne")),
        (
            "|  # comment\n    # kept\n    b\n # not kept\n",
            Some("# kept\nb"),
        ),
        ("|-\n  a: b\n  - c", Some("a: b\n- c")),
    ];
    for (written, expected) in table {
        let persona = read(&format!("description: {written}\nrole: qa")).expect(written);
        assert_eq!(
            persona.description,
            expected.unwrap_or("plain text, it's"),
            "{written}"
        );
        assert_eq!(persona.role, "qa-engineer", "{written}");
    }
}

#[test]
fn lists_have_both_styles() {
    for written in [
        "[a, \"b, c\", d]",
        "[ a , 'b, c',d, ] # end",
        "[\n  a, # first\n  \"b, c\",\n  d\n  ]",
        "\n- a\n- b, c\n- d",
        "\n    - a\n    # between\n    - 'b, c'\n    - d",
    ] {
        let persona = read(&format!("description: d\nspecialties: {written}")).expect(written);
        assert_eq!(persona.specialties, ["a", "b, c", "d"], "{written}");
    }
}

#[test]
fn each_mistake_names_its_line_and_what_is_right() {
    let table = [
        ("", 1, "description is missing"),
        ("description:", 1, "description is missing"),
        ("description: ''", 2, "description is empty"),
        ("description: [a]", 2, "double quotes"),
        ("description: a: b", 2, "double quotes"),
        ("description: *anchor", 2, "double quotes"),
        ("description: \"open", 2, "closing quote"),
        ("description: \"a\" b", 2, "after the closing quote"),
        ("description: \"\\q\"", 2, "not an escape"),
        ("description: \"\\ud800\"", 2, "not an escape"),
        ("description: \"a\"\n  \"b\"", 3, "end on its line"),
        ("description: |9\n  a", 2, "block text"),
        ("description: |\n   a\n  b", 4, "indented less"),
        ("description:d", 2, "a space is missing"),
        ("description: d\nname: other", 3, "make them agree"),
        ("description: d\n\n\nrole: '!'", 5, "cannot be a role"),
        (
            "description: d\nautonomy: lots",
            3,
            "full, semi or supervised",
        ),
        (
            "description: d\nautonomy: full\nautonomy: semi",
            4,
            "already set on line 3",
        ),
        ("a-b: 1\na_b: 2\ndescription: d", 3, "already set on line 2"),
        ("description: d\nspecialties: one", 3, "must be a list"),
        ("description: d\nspecialties: [a, b", 3, "] is missing"),
        (
            "description: d\nspecialties: [a,, b]",
            3,
            "before the comma",
        ),
        (
            "description: d\nspecialties: [\"a\" b]",
            3,
            "comma is missing",
        ),
        ("description: d\nspecialties: [[a]]", 3, "do not nest"),
        ("description: d\nspecialties: [a] b", 3, "after the list"),
        (
            "description: d\nspecialties:\n  - a\n    - b",
            5,
            "equally deep",
        ),
        ("description: d\nspecialties:\n  -a", 4, "space is missing"),
        ("description: d\nspecialties:\n  -", 4, "empty"),
        ("description: d\nspecialties:\n  - k: v", 4, "double quotes"),
        ("description: d\nspecialties:\n  a", 4, "starts with"),
        ("description: d\nspecialties: ['']", 3, "is empty"),
        (
            "description: d\nallowed_actions: []",
            3,
            "cannot even finish",
        ),
        ("description: d\nallowed_actions: none", 3, "use all"),
        (
            "description: d\nallowed_actions:\n  - done\n  - fly",
            5,
            "\"fly\" is not an action",
        ),
        ("description: d\nallowed_actions: [done, done]", 3, "twice"),
        ("description: d\nmetadata: x", 3, "must be a mapping"),
        (
            "description: d\nmetadata:\n  a: 1\n b: 2",
            5,
            "indented less",
        ),
        ("description: d\n\tx: y", 3, "tab"),
        ("  description: d\nrole: qa", 3, "indented less"),
        ("just words", 2, "key: value"),
        ("- item", 2, "key: value"),
        ("{a: b}", 2, "key: value"),
    ];
    for (front, line, part) in table {
        let (at, reason) = refused(front);
        assert_eq!(at, line, "{front:?}: {reason}");
        assert!(reason.contains(part), "{front:?}: {reason}");
    }
}

#[test]
fn the_frame_of_a_file_is_checked() {
    let long = format!("---\ndescription: d\n---\n{}", "x".repeat(MAX_BYTES));
    let table = [
        (PATH, "# No front matter", 1, "must start with front matter"),
        (PATH, "", 1, "must start with front matter"),
        (PATH, "---\ndescription: d\n", 1, "not closed"),
        (PATH, "---", 1, "not closed"),
        (PATH, "---\ndescription: d\n---\n \n", 4, "no text after"),
        (PATH, "---\ndescription: d\n---", 4, "no text after"),
        (PATH, long.as_str(), 1, "the limit is"),
        ("personas/default/qa/PERSONA.md", "", 1, "SKILL.md"),
        ("personas/SKILL.md", "", 1, "folder of its own"),
        ("personas/a/b/c/d/e/SKILL.md", "", 1, "four folders"),
        ("personas/../etc/SKILL.md", "", 1, "is not a name"),
        ("personas/Default/qa/SKILL.md", "", 1, "is not a name"),
        ("", "", 1, "path is empty"),
    ];
    for (path, text, line, part) in table {
        let error = parse(path, text, &ACTIONS).unwrap_err();
        assert_eq!(error.line, line, "{path}: {error}");
        assert!(error.reason.contains(part), "{path}: {error}");
        assert!(
            error.to_string().starts_with(&format!("{path}:{line}: ")),
            "{error}"
        );
    }
}

#[test]
fn the_name_is_the_folder_and_a_variant_shows_both_names() {
    let text = "---\ndescription: d\n---\nb";
    let table = [
        ("default/ceo/SKILL.md", "default/ceo", "ceo", "CEO"),
        ("/app/personas/loom/SKILL.md", "loom", "loom", "Loom"),
        (
            "personas/projects/0190-ab/qa-engineer/very-strict/SKILL.md",
            "projects/0190-ab/qa-engineer/very-strict",
            "qa-engineer",
            "Very Strict (QA Engineer)",
        ),
        (
            "personas/acme/data-engineer/SKILL.md",
            "acme/data-engineer",
            "data-engineer",
            "Data Engineer",
        ),
        (
            "personas/acme/qa/SKILL.md",
            "acme/qa",
            "qa-engineer",
            "Qa (QA Engineer)",
        ),
    ];
    for (path, name, role, display) in table {
        let persona = parse(path, text, &ACTIONS).unwrap();
        assert_eq!(persona.name, name);
        assert_eq!(persona.role, role);
        assert_eq!(persona.display_name(), display);
    }
}

#[test]
fn one_bad_file_does_not_keep_the_others_out() {
    let good = |name: &str| format!("---\nname: {name}\ndescription: d\n---\nb");
    let files = [
        (
            "personas/default/web-designer/SKILL.md",
            good("web-designer"),
        ),
        (
            "personas/default/cto/SKILL.md",
            "---\ndescription d\n---\nb".to_owned(),
        ),
        ("personas/default/ceo/SKILL.md", good("ceo")),
        ("other/personas/default/ceo/SKILL.md", good("ceo")),
        ("personas/default/cfo/PERSONA.md", String::new()),
        ("personas/README.md", String::new()),
    ];
    let (personas, errors) = load_all(files, &ACTIONS);
    let names: Vec<&str> = personas
        .iter()
        .map(|persona| persona.name.as_str())
        .collect();
    assert_eq!(names, ["default/ceo", "default/web-designer"]);
    let found: Vec<(&str, usize)> = errors.iter().map(|e| (e.file.as_str(), e.line)).collect();
    assert_eq!(
        found,
        [
            ("other/personas/default/ceo/SKILL.md", 1),
            ("personas/default/cfo/PERSONA.md", 1),
            ("personas/default/cto/SKILL.md", 2),
        ]
    );
    assert!(
        errors[0]
            .reason
            .contains("already defined by personas/default/ceo/SKILL.md")
    );
}

#[test]
fn autonomy_says_what_may_be_decided() {
    let may = |level: Autonomy| (0..4).map(|p| level.may_decide(p)).collect::<Vec<_>>();
    assert_eq!(may(Autonomy::Full), [false, true, true, true]);
    assert_eq!(may(Autonomy::Semi), [false, false, true, true]);
    assert_eq!(may(Autonomy::Supervised), [false; 4]);
}

#[test]
fn json_is_as_the_file() {
    let persona = read("description: d\nallowed_actions: [done]").unwrap();
    let value = serde_json::to_value(&persona).unwrap();
    assert_eq!(
        value,
        json!({
            "name": "default/qa-engineer", "description": "d", "role": "qa-engineer",
            "autonomy": "semi", "specialties": [], "allowed_actions": ["done"], "body": "Body."
        })
    );
    assert_eq!(serde_json::from_value::<Persona>(value).unwrap(), persona);
    let all: AllowedActions = serde_json::from_value(json!("all")).unwrap();
    assert_eq!(all, AllowedActions::All);
    assert_eq!(serde_json::to_value(all).unwrap(), json!("all"));
    assert!(serde_json::from_value::<AllowedActions>(json!("none")).is_err());
}

fn trimmed(pattern: &'static str) -> impl Strategy<Value = String> {
    pattern
        .prop_map(|text| text.trim().to_owned())
        .prop_filter("empty", |text| !text.is_empty())
}

prop_compose! {
    fn any_persona()(
        folder in "[a-z0-9][a-z0-9_-]{0,9}",
        own in "[a-z0-9][a-z0-9_-]{1,9}",
        description in trimmed("(?s).{1,60}"),
        role in "[a-z]{2,8}(-[a-z0-9]{1,8}){0,2}",
        autonomy in prop::sample::select(Autonomy::ALL.to_vec()),
        specialties in prop::collection::vec(trimmed("(?s).{1,30}"), 0..5),
        actions in prop::option::of(prop::sample::subsequence(ACTIONS.to_vec(), 1..=6)),
        body in trimmed("(?s)(.{1,20}|\n|---){1,20}"),
    ) -> Persona {
        Persona {
            name: format!("{folder}/{own}"),
            description,
            role: Role::parse_any(&role).unwrap(),
            autonomy,
            specialties,
            allowed_actions: actions.map_or(AllowedActions::All, |names| {
                AllowedActions::Only(names.into_iter().map(str::to_owned).collect())
            }),
            body,
        }
    }
}

proptest! {
    #[test]
    fn a_persona_survives_its_own_markdown(persona in any_persona()) {
        let text = persona.to_markdown();
        let read = parse(&persona.path(), &text, &ACTIONS);
        prop_assert_eq!(read, Ok(persona), "{}", text);
    }

    #[test]
    fn no_text_makes_it_panic(
        text in "(---\n)?([a-z_]{1,12}:|  - |\\[|\\]|,|\"|'|\\\\|\\||>|#|:|\n|---\n| |\t|.){0,60}",
        path in "(personas/)?[a-zA-Z0-9./\\\\-]{0,30}(/SKILL.md)?",
    ) {
        let lines = text.split('\n').count();
        for path in [path.as_str(), PATH] {
            if let Err(error) = parse(path, &text, &ACTIONS) {
                prop_assert!((1..=lines + 1).contains(&error.line), "{}", error);
            }
        }
    }
}
