use super::Progress;
use crate::lesson::Lesson;

/// Everything that a prompt is made of.
#[derive(Debug, Clone, Default)]
pub struct PromptContext<'a> {
    /// Who the agent is.
    pub persona: PersonaFacts<'a>,
    /// The actions it may use; everything when `None`.
    pub allowed_actions: Option<&'a [String]>,
    /// Whether the model gets no tools, so that the actions must be described in the system message.
    pub text_mode: bool,
    /// The project.
    pub project: ProjectFacts<'a>,
    /// The work.
    pub bead: BeadFacts<'a>,
    /// What the workflow's node says about this stage of the work.
    pub node_instructions: Option<&'a str>,
    /// What the stages before this one came to, oldest first.
    pub stages: &'a [StageFacts<'a>],
    /// Lessons from earlier work, most relevant first.
    pub lessons: &'a [Lesson],
    /// Earlier runs on this bead, oldest first.
    pub attempts: &'a [Attempt<'a>],
    /// The run's own branch.
    pub branch: Option<&'a str>,
    /// What this run did so far.
    pub progress: Progress,
    /// What is left of the run's budgets.
    pub remaining: Remaining,
}

/// The persona's texts. They are written by the people who run Loom, and are instructions.
#[derive(Debug, Clone, Copy, Default)]
pub struct PersonaFacts<'a> {
    /// The agent's name.
    pub name: &'a str,
    /// The role, by its canonical name.
    pub role: &'a str,
    /// `full`, `semi` or `supervised`.
    pub autonomy: &'a str,
    /// What it is good at.
    pub specialties: &'a [String],
    /// The body of its SKILL.md.
    pub body: &'a str,
}

/// The project's facts.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProjectFacts<'a> {
    /// Name.
    pub name: &'a str,
    /// The base branch.
    pub branch: &'a str,
    /// `branch-pr` or `direct`.
    pub git_strategy: &'a str,
    /// The content of AGENTS.md, where there is one.
    pub instructions: Option<&'a str>,
    /// The build command; `None` leaves it to detection.
    pub build_command: Option<&'a str>,
    /// The test command.
    pub test_command: Option<&'a str>,
    /// The lint command.
    pub lint_command: Option<&'a str>,
}

/// The bead's facts.
#[derive(Debug, Clone, Copy, Default)]
pub struct BeadFacts<'a> {
    /// Id.
    pub id: &'a str,
    /// `task`, `bug`, …
    pub kind: &'a str,
    /// 0 to 3.
    pub priority: u8,
    /// Title.
    pub title: &'a str,
    /// Description.
    pub description: &'a str,
    /// Labels.
    pub tags: &'a [String],
    /// Globs of the paths that the work is expected to change.
    pub touches: &'a [String],
    /// Comments, oldest first; the newest ten are shown.
    pub comments: &'a [CommentFacts<'a>],
}

/// One comment on the bead.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommentFacts<'a> {
    /// Who wrote it.
    pub author: &'a str,
    /// The text.
    pub body: &'a str,
}

/// What an earlier stage of the bead's workflow came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct StageFacts<'a> {
    /// The node.
    pub node: &'a str,
    /// Its outcome.
    pub outcome: &'a str,
    /// What was said about it, by the agent or the person that concluded it.
    pub note: &'a str,
}

/// What an earlier run on the same bead tried (invariant I10: the next attempt is told).
#[derive(Debug, Clone, Copy, Default)]
pub struct Attempt<'a> {
    /// Which attempt, from 1.
    pub number: i64,
    /// Why it ended: the code, such as `step_limit` or `merge_tests_failed`.
    pub ended: &'a str,
    /// Its summary, see [`super::summary`].
    pub summary: &'a str,
    /// The end of the output of the last command, build or test that failed; see [`super::failing_output`].
    pub failing_output: Option<&'a str>,
    /// Its branch, where its commits still are.
    pub branch: Option<&'a str>,
    /// Its last commit.
    pub commit: Option<&'a str>,
}

/// What is left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remaining {
    /// This step, from 1.
    pub step: i64,
    /// The last step that the run may take.
    pub max_steps: i64,
    /// Money left for the bead, in micro-US-dollars; `None` when nothing limits it.
    pub micro_usd: Option<i64>,
}
