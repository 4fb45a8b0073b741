//! The one table from which the tool list, the checks and the examples come.

/// What a field holds, and within which limits. Lengths are in characters.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// Text that is not blank.
    Text {
        /// Longest allowed.
        max: usize,
    },
    /// Text of a file: may be empty or blank.
    Content,
    /// A path inside the workspace.
    Path,
    /// A program and its arguments.
    Argv,
    /// A whole number.
    Count {
        /// Smallest allowed.
        min: u64,
        /// Largest allowed.
        max: u64,
    },
    /// P0 to P3.
    Priority,
    /// Yes or no.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Short texts.
    List {
        /// Most items.
        items: usize,
        /// Longest item.
        max: usize,
    },
    /// Remarks on lines of a pull request.
    LineComments,
}

/// One field of an action.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) help: &'static str,
}

/// One action as the model sees it.
#[derive(Debug)]
pub(crate) struct Spec {
    pub(crate) name: &'static str,
    pub(crate) help: &'static str,
    pub(crate) fields: &'static [Field],
    /// A good use, in JSON.
    pub(crate) example: &'static str,
}

/// Longest path.
pub(crate) const PATH_MAX: usize = 1_024;
/// Longest file content or edit text.
pub(crate) const CONTENT_MAX: usize = 400_000;
/// Most words of a command.
pub(crate) const ARGV_MAX: usize = 128;
/// Longest word of a command.
pub(crate) const ARGUMENT_MAX: usize = 8_192;
/// Most remarks in one review.
pub(crate) const LINE_COMMENTS_MAX: usize = 50;

const TITLE: Kind = Kind::Text { max: 200 };
const TEXT: Kind = Kind::Text { max: 10_000 };
const ROLE: Kind = Kind::Text { max: 80 };
const ID: Kind = Kind::Text { max: 80 };
const QUERY: Kind = Kind::Text { max: 1_000 };

const fn need(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field {
        name,
        kind,
        required: true,
        help,
    }
}

const fn may(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field {
        name,
        kind,
        required: false,
        help,
    }
}

const BEAD_ID: Field = may(
    "bead_id",
    ID,
    "The bead's id. Omit for the bead you are working on.",
);
const PRIORITY: Field = may(
    "priority",
    Kind::Priority,
    "0 critical, 1 high, 2 normal, 3 low.",
);
const TOUCHES: Field = may(
    "touches",
    Kind::List {
        items: 50,
        max: 200,
    },
    "Globs of the files that the work will change, so that it is not done at the same time as other work on them.",
);
const BLOCKED_BY: Field = may(
    "blocked_by",
    Kind::List { items: 50, max: 80 },
    "Ids of beads that must be closed first.",
);
const TAGS: Field = may("tags", Kind::List { items: 20, max: 50 }, "Short labels.");

/// Every action, in the order of [`Action::NAMES`](super::Action::NAMES).
pub(crate) const SPECS: &[Spec] = &[
    Spec {
        name: "read_tree",
        help: "List the files and folders of the repository. Start here when you don't know the layout.",
        fields: &[
            may(
                "path",
                Kind::Path,
                "Folder, relative to the repository's root. Default: the root.",
            ),
            may(
                "depth",
                Kind::Count { min: 1, max: 20 },
                "How many levels below it.",
            ),
        ],
        example: r#"{"action":"read_tree","path":"src","depth":2}"#,
    },
    Spec {
        name: "read_file",
        help: "Read a text file. Read a file before you edit it; ask for a range of lines when it is long.",
        fields: &[
            need(
                "path",
                Kind::Path,
                "File, relative to the repository's root.",
            ),
            may(
                "first_line",
                Kind::Count {
                    min: 1,
                    max: 10_000_000,
                },
                "First line wanted, counted from 1.",
            ),
            may(
                "last_line",
                Kind::Count {
                    min: 1,
                    max: 10_000_000,
                },
                "Last line wanted, inclusive.",
            ),
        ],
        example: r#"{"action":"read_file","path":"src/lib.rs","first_line":1,"last_line":120}"#,
    },
    Spec {
        name: "search",
        help: "Find text in the repository's files; gives file, line and the line's text.",
        fields: &[
            need(
                "query",
                QUERY,
                "The text to find, exactly as it is written in the file.",
            ),
            may(
                "path",
                Kind::Path,
                "Folder or file to search in. Default: the whole repository.",
            ),
            may(
                "regex",
                Kind::Flag,
                "true when query is a regular expression.",
            ),
        ],
        example: r#"{"action":"search","query":"fn parse_header","path":"src"}"#,
    },
    Spec {
        name: "edit_file",
        help: "Replace one piece of a file. Copy old_text from the file as you read it, with two or three lines around \
               the change so that it occurs only once; new_text is what shall stand there instead.",
        fields: &[
            need(
                "path",
                Kind::Path,
                "File, relative to the repository's root.",
            ),
            need(
                "old_text",
                Kind::Text { max: CONTENT_MAX },
                "The text that is there now.",
            ),
            need(
                "new_text",
                Kind::Content,
                "The text to put in its place. Empty deletes.",
            ),
        ],
        example: r#"{"action":"edit_file","path":"src/lib.rs","old_text":"    a - b\n}","new_text":"    a + b\n}"}"#,
    },
    Spec {
        name: "write_file",
        help: "Create a file, or replace everything in it. To change a part of an existing file use edit_file.",
        fields: &[
            need(
                "path",
                Kind::Path,
                "File, relative to the repository's root. Missing folders are created.",
            ),
            need(
                "content",
                Kind::Content,
                "The whole content; never a placeholder for what was there.",
            ),
        ],
        example: r#"{"action":"write_file","path":"tests/sum.rs","content":"use sum::sum;\n"}"#,
    },
    Spec {
        name: "delete_file",
        help: "Delete a file.",
        fields: &[need(
            "path",
            Kind::Path,
            "File, relative to the repository's root.",
        )],
        example: r#"{"action":"delete_file","path":"src/unused.rs"}"#,
    },
    Spec {
        name: "move_file",
        help: "Move or rename a file.",
        fields: &[
            need(
                "from",
                Kind::Path,
                "Where it is, relative to the repository's root.",
            ),
            need(
                "to",
                Kind::Path,
                "Where it shall be; nothing may be there yet.",
            ),
        ],
        example: r#"{"action":"move_file","from":"src/util.rs","to":"src/text.rs"}"#,
    },
    Spec {
        name: "run_command",
        help: "Run one program in the sandbox, without a shell and without network: no pipes, redirections, wildcards \
               or cd. Only some programs are allowed. Prefer build, test, lint, search and the git actions where they \
               do what you need.",
        fields: &[
            need(
                "argv",
                Kind::Argv,
                "The program and its arguments, one array item each.",
            ),
            may(
                "directory",
                Kind::Path,
                "Folder to run in. Default: the repository's root.",
            ),
            may(
                "timeout_seconds",
                Kind::Count { min: 1, max: 1_800 },
                "Time limit.",
            ),
        ],
        example: r#"{"action":"run_command","argv":["cargo","test","--lib","parse"],"timeout_seconds":120}"#,
    },
    Spec {
        name: "build",
        help: "Build the project with its own build command; gives the errors.",
        fields: &[],
        example: r#"{"action":"build"}"#,
    },
    Spec {
        name: "test",
        help: "Run the project's tests; gives the failures. Run them after every change and before you commit.",
        fields: &[may(
            "pattern",
            Kind::Text { max: 200 },
            "Only tests whose name contains this. Default: all.",
        )],
        example: r#"{"action":"test","pattern":"parse_header"}"#,
    },
    Spec {
        name: "lint",
        help: "Run the project's linter.",
        fields: &[],
        example: r#"{"action":"lint"}"#,
    },
    Spec {
        name: "git_status",
        help: "Show which files you have changed and not committed.",
        fields: &[],
        example: r#"{"action":"git_status"}"#,
    },
    Spec {
        name: "git_diff",
        help: "Show all that you changed against the base branch. Look at it before you commit.",
        fields: &[],
        example: r#"{"action":"git_diff"}"#,
    },
    Spec {
        name: "git_commit",
        help: "Commit your changes on your branch. Commit only what you have tested.",
        fields: &[need(
            "message",
            Kind::Text { max: 4_000 },
            "What changed and why: a first line of at most 72 characters, then an empty line, then details.",
        )],
        example: r#"{"action":"git_commit","message":"Add instead of subtracting in sum\n\nFixes the wrong totals."}"#,
    },
    Spec {
        name: "git_push",
        help: "Push your branch, after git_commit.",
        fields: &[],
        example: r#"{"action":"git_push"}"#,
    },
    Spec {
        name: "git_log",
        help: "Show recent commits.",
        fields: &[may(
            "limit",
            Kind::Count { min: 1, max: 200 },
            "How many. Default: 20.",
        )],
        example: r#"{"action":"git_log","limit":5}"#,
    },
    Spec {
        name: "create_pull_request",
        help: "Open a pull request from your pushed branch.",
        fields: &[
            need("title", TITLE, "What it does, in one line."),
            need(
                "description",
                TEXT,
                "What it changes, why, and how it was tested.",
            ),
            may(
                "base",
                Kind::Text { max: 200 },
                "Branch to merge into. Default: the project's.",
            ),
        ],
        example: r#"{"action":"create_pull_request","title":"Fix the sum","description":"Adds. Tests pass."}"#,
    },
    Spec {
        name: "review_pull_request",
        help: "Give a review of a pull request that you have read.",
        fields: &[
            may(
                "number",
                Kind::Count {
                    min: 1,
                    max: 10_000_000_000,
                },
                "Its number. Default: this bead's pull request.",
            ),
            need(
                "verdict",
                Kind::Choice(&["approve", "request_changes", "comment"]),
                "What you conclude.",
            ),
            need(
                "body",
                TEXT,
                "The review: what you checked, what is wrong, what must change.",
            ),
            may("comments", Kind::LineComments, "Remarks on single lines."),
        ],
        example: r#"{"action":"review_pull_request","number":7,"verdict":"request_changes","body":"One case is missing.","comments":[{"path":"src/lib.rs","line":12,"body":"Empty input divides by zero here."}]}"#,
    },
    Spec {
        name: "comment",
        help: "Write a comment on a bead, for people and for whoever works on it next.",
        fields: &[BEAD_ID, need("body", TEXT, "The comment.")],
        example: r#"{"action":"comment","body":"The cause is the unsigned subtraction in sum."}"#,
    },
    Spec {
        name: "create_bead",
        help: "File new work that does not belong to this bead. Don't file what you can do now.",
        fields: &[
            need("title", TITLE, "What shall be done, in one line."),
            need(
                "description",
                TEXT,
                "The problem, where it is, and how one sees that it is solved.",
            ),
            may(
                "type",
                Kind::Choice(&["task", "bug", "feature", "chore", "epic"]),
                "Kind of work. Default: task.",
            ),
            PRIORITY,
            TAGS,
            TOUCHES,
            BLOCKED_BY,
            may("parent", ID, "Id of the bead that this is a part of."),
            may(
                "wait",
                Kind::Flag,
                "true when you cannot go on before it is closed; you are told then what came of it.",
            ),
        ],
        example: r#"{"action":"create_bead","title":"Document the sum function","description":"It has no example.","type":"task","priority":3,"tags":["docs"],"touches":["src/lib.rs"]}"#,
    },
    Spec {
        name: "update_bead",
        help: "Change fields of a bead; give only what changes.",
        fields: &[
            BEAD_ID,
            may("title", TITLE, "New title."),
            may("description", TEXT, "New description, replacing the old."),
            PRIORITY,
            TAGS,
            TOUCHES,
            BLOCKED_BY,
        ],
        example: r#"{"action":"update_bead","priority":1,"touches":["src/sum/**"]}"#,
    },
    Spec {
        name: "close_bead",
        help: "Close a bead that needs no work: a duplicate, already solved, not a problem. When you did the work, \
               use done instead.",
        fields: &[
            BEAD_ID,
            need("reason", TEXT, "Why it can be closed, with what shows it."),
        ],
        example: r#"{"action":"close_bead","reason":"Duplicate of bd-k3f9a; solved there."}"#,
    },
    Spec {
        name: "escalate",
        help: "Put a question to the people in charge and stop until they decide. For what you may not or cannot decide: \
               missing access, contradictory requirements, a risk to data. Not for what reading or testing can answer.",
        fields: &[
            BEAD_ID,
            need(
                "question",
                TEXT,
                "What must be decided, why you can't, and what you found out so far.",
            ),
            may(
                "options",
                Kind::List {
                    items: 10,
                    max: 500,
                },
                "What could be chosen.",
            ),
            may(
                "recommendation",
                Kind::Text { max: 2_000 },
                "What you would choose, and why.",
            ),
        ],
        example: r#"{"action":"escalate","question":"The bead asks to drop a table that production still reads. Drop it?","options":["drop","keep"],"recommendation":"keep, until the readers are gone"}"#,
    },
    Spec {
        name: "approve",
        help: "Approve the work that this bead asks you to review, or answer the decision that it puts to you.",
        fields: &[
            BEAD_ID,
            may("reason", TEXT, "What you checked; why you decide so."),
            may(
                "option",
                Kind::Text { max: 500 },
                "Only for a decision: the answer that you choose, if it is not approve.",
            ),
        ],
        example: r#"{"action":"approve","reason":"Read the diff; the tests cover both branches and pass."}"#,
    },
    Spec {
        name: "reject",
        help: "Send the work that this bead asks you to review back, or answer a decision with no.",
        fields: &[
            BEAD_ID,
            need("reason", TEXT, "What is wrong and what must change."),
        ],
        example: r#"{"action":"reject","reason":"Empty input still fails: sum(&[]) panics. Add the case and a test."}"#,
    },
    Spec {
        name: "ask",
        help: "Ask another role, or a person (role ceo), something that you need to know to go on. Your work pauses after \
               this reply and goes on when the answer is there; you are told it.",
        fields: &[
            need("role", ROLE, "Who should know, such as product-manager."),
            need(
                "question",
                TEXT,
                "The question, understandable without this conversation.",
            ),
        ],
        example: r#"{"action":"ask","role":"product-manager","question":"Shall sum of nothing be 0 or an error?"}"#,
    },
    Spec {
        name: "delegate",
        help: "Give a part of this work to another role, as a bead of its own. Your work pauses after this reply and goes on \
               when that bead is closed; you are told what came of it.",
        fields: &[
            need("role", ROLE, "Who shall do it, such as qa-engineer."),
            need("title", TITLE, "What shall be done, in one line."),
            need(
                "description",
                TEXT,
                "All that is needed to do it, and how one sees that it is done.",
            ),
            PRIORITY,
        ],
        example: r#"{"action":"delegate","role":"qa-engineer","title":"Test sum with large input","description":"Property test against a naive sum."}"#,
    },
    Spec {
        name: "send_message",
        help: "Tell another role, or a person (role ceo), something; you don't wait for an answer.",
        fields: &[
            need("to", ROLE, "The role, such as web-designer."),
            need("message", TEXT, "What to tell."),
        ],
        example: r#"{"action":"send_message","to":"web-designer","message":"The API now gives totals as strings."}"#,
    },
    Spec {
        name: "remember",
        help: "Keep a lesson for later work in this project. Only what was not obvious and will help again.",
        fields: &[
            need("title", TITLE, "The lesson in one line."),
            need(
                "detail",
                Kind::Text { max: 2_000 },
                "When it applies and what to do then.",
            ),
        ],
        example: r#"{"action":"remember","title":"Tests need the sample data","detail":"Run make samples before the tests, else 12 of them fail."}"#,
    },
    Spec {
        name: "done",
        help: "End your work on this bead. Only after your changes are tested and committed, or when you can't get \
               further (outcome failure).",
        fields: &[
            need(
                "summary",
                TEXT,
                "What you did, how you checked it, what is left.",
            ),
            may(
                "outcome",
                Kind::Choice(&["success", "failure"]),
                "Whether the bead's goal is reached. Default: success.",
            ),
        ],
        example: r#"{"action":"done","summary":"sum adds now; its three tests pass; committed.","outcome":"success"}"#,
    },
];

/// The row of an action.
pub(crate) fn find(name: &str) -> Option<&'static Spec> {
    SPECS.iter().find(|spec| spec.name == name)
}
