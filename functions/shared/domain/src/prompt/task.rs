use super::{Attempt, Fence, PromptContext, cut};

/// How much of each part fits in, in bytes, before the parts are shortened for a small window.
const DESCRIPTION: usize = 12_000;
const INSTRUCTIONS: usize = 4_000;
const NODE: usize = 4_000;
const COMMENT: usize = 2_000;
const COMMENTS: usize = 10;
const LESSONS: usize = 2_000;
const ATTEMPTS: usize = 5;
const ATTEMPT_SUMMARY: usize = 1_500;
const ATTEMPT_OUTPUT: usize = 1_500;
const STAGES: usize = 12;
const STAGE_NOTE: usize = 2_000;
const LIST: usize = 500;

/// The task: the bead, what the project is, what was learned and tried before. It stays the same for a whole run.
pub fn task(context: &PromptContext<'_>) -> String {
    task_within(context, 1)
}

/// The same with every limit divided by `shrink`, for windows that are too small for all of it.
pub(crate) fn task_within(context: &PromptContext<'_>, shrink: usize) -> String {
    let limit = |bytes: usize| bytes / shrink.max(1);
    let bead = &context.bead;
    let project = &context.project;

    let description = cut::middle(bead.description.trim(), limit(DESCRIPTION)).into_owned();
    let instructions = project
        .instructions
        .map(|text| cut::middle(text.trim(), limit(INSTRUCTIONS)).into_owned());
    let first = bead.comments.len().saturating_sub(limit(COMMENTS).max(1));
    let comments: Vec<(String, String)> = bead
        .comments
        .iter()
        .skip(first)
        .map(|comment| {
            let source = format!("comment by {}", comment.author);
            (
                source,
                cut::middle(comment.body.trim(), limit(COMMENT)).into_owned(),
            )
        })
        .collect();
    let lessons = lessons(context, limit(LESSONS));
    let first = context
        .attempts
        .len()
        .saturating_sub(limit(ATTEMPTS).max(1));
    let attempts: Vec<(String, String)> = context
        .attempts
        .iter()
        .skip(first)
        .map(|attempt| {
            (
                format!("attempt {}", attempt.number),
                attempt_text(attempt, shrink.max(1)),
            )
        })
        .collect();
    let first = context.stages.len().saturating_sub(limit(STAGES).max(1));
    let stages: Vec<(String, String)> = context
        .stages
        .iter()
        .skip(first)
        .map(|stage| {
            (
                format!("{} came to {}", stage.node, stage.outcome),
                cut::middle(stage.note.trim(), limit(STAGE_NOTE)).into_owned(),
            )
        })
        .collect();
    let mut labels = String::new();
    if !bead.tags.is_empty() {
        labels.push_str(&format!(
            "Tags: {}\n",
            cut::one_line(&bead.tags.join(", "), limit(LIST))
        ));
    }
    if !bead.touches.is_empty() {
        labels.push_str(&format!(
            "Expected to touch: {}\n",
            cut::one_line(&bead.touches.join(", "), limit(LIST))
        ));
    }
    let bead_text = format!(
        "{}\n{labels}\n{description}",
        cut::one_line(bead.title, 500)
    );

    // One fence for all: what one text says can't close the fence of another either.
    let mut fenced: Vec<&str> = vec![&bead_text, &lessons];
    fenced.extend(instructions.as_deref());
    fenced.extend(
        comments
            .iter()
            .chain(&attempts)
            .chain(&stages)
            .flat_map(|(source, text)| [source.as_str(), text.as_str()]),
    );
    let fence = Fence::around(&fenced);

    let mut text = format!("# Bead {} ({}, P{})\n", bead.id, bead.kind, bead.priority);
    text.push_str(&fence.wrap("bead", bead_text.trim_end()));
    text.push('\n');
    for (source, body) in &comments {
        text.push_str(&fence.wrap(source, body));
        text.push('\n');
    }
    if let Some(instructions) = context
        .node_instructions
        .map(str::trim)
        .filter(|text| !text.is_empty())
    {
        text.push_str("\n# This stage of the work\n");
        text.push_str(&cut::middle(instructions, limit(NODE)));
        text.push('\n');
    }
    if !stages.is_empty() {
        text.push_str(
            "\n# What the stages before this one came to\nThe newest last. What they committed is on your branch.\n",
        );
        for (source, note) in &stages {
            text.push_str(&fence.wrap(source, note));
            text.push('\n');
        }
    }
    text.push_str(&project_text(context));
    if let Some(instructions) = instructions.filter(|text| !text.is_empty()) {
        text.push_str(&fence.wrap("AGENTS.md", &instructions));
        text.push('\n');
    }
    if !lessons.is_empty() {
        text.push_str("\n# Lessons from earlier work in this project\nAdvice, where it applies.\n");
        text.push_str(&fence.wrap("lessons", lessons.trim_end()));
        text.push('\n');
    }
    if !attempts.is_empty() {
        text.push_str(
            "\n# What earlier attempts on this bead tried\nThey failed. Don't repeat what did not work; use what they \
             found out. Their changes are not on your branch.\n",
        );
        for (source, attempt) in &attempts {
            text.push_str(&fence.wrap(source, attempt));
            text.push('\n');
        }
    }
    text
}

fn project_text(context: &PromptContext<'_>) -> String {
    let project = &context.project;
    let mut text = format!("\n# Project {}\n", cut::one_line(project.name, 200));
    if !project.branch.is_empty() {
        text.push_str(&format!(
            "Base branch: {}\n",
            cut::one_line(project.branch, 200)
        ));
    }
    if let Some(branch) = context.branch {
        text.push_str(&format!("Your branch: {}\n", cut::one_line(branch, 200)));
    }
    let commands = [
        ("Build", project.build_command),
        ("Test", project.test_command),
        ("Lint", project.lint_command),
    ];
    for (name, command) in commands {
        if let Some(command) = command.filter(|command| !command.trim().is_empty()) {
            text.push_str(&format!(
                "{name} command: {}\n",
                cut::one_line(command, 300)
            ));
        }
    }
    text
}

fn lessons(context: &PromptContext<'_>, limit: usize) -> String {
    let mut text = String::new();
    for lesson in context.lessons {
        let line = format!("- {}: {}\n", lesson.title.trim(), lesson.detail.trim());
        if text.len() + line.len() > limit {
            break;
        }
        text.push_str(&line);
    }
    text
}

fn attempt_text(attempt: &Attempt<'_>, shrink: usize) -> String {
    let mut text = format!("Ended: {}\n", cut::one_line(attempt.ended, 200));
    text.push_str(&cut::middle(
        attempt.summary.trim(),
        ATTEMPT_SUMMARY / shrink,
    ));
    if let Some(branch) = attempt.branch {
        text.push_str(&format!("\nBranch: {}", cut::one_line(branch, 200)));
    }
    if let Some(commit) = attempt.commit {
        text.push_str(&format!("\nLast commit: {}", cut::one_line(commit, 80)));
    }
    if let Some(output) = attempt
        .failing_output
        .map(str::trim)
        .filter(|output| !output.is_empty())
    {
        text.push_str("\nLast failing output:\n");
        text.push_str(&cut::head_and_tail(output, 0, ATTEMPT_OUTPUT / shrink));
    }
    text
}
