//! Events: what happened, in an order that never has a gap (invariant I6).

use serde::Serialize;
use serde_json::{Map, Value};

use crate::time::Timestamp;

/// Declares the kinds of events, with the text that names each in JSON and SQL.
macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What kind of thing happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum EventKind { $($(#[$doc])* $name,)* }

        impl EventKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name in JSON and SQL: `<resource>.<what happened>`.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

kinds! {
    /// A project was registered.
    ProjectCreated = "project.created",
    /// A project's settings changed.
    ProjectUpdated = "project.updated",
    /// A project was closed: nothing of it is dispatched.
    ProjectClosed = "project.closed",
    /// A closed project was opened again.
    ProjectReopened = "project.reopened",
    /// A project was deleted.
    ProjectDeleted = "project.deleted",
    /// A bead was filed.
    BeadCreated = "bead.created",
    /// Fields of a bead changed, its status not among them.
    BeadUpdated = "bead.updated",
    /// A bead's status changed.
    BeadStatusChanged = "bead.status_change",
    /// A bead was claimed by a run.
    BeadAssigned = "bead.assigned",
    /// A bead was closed with its work done.
    BeadCompleted = "bead.completed",
    /// A bead was deleted.
    BeadDeleted = "bead.deleted",
    /// A comment was written on a bead.
    CommentCreated = "comment.created",
    /// An agent joined.
    AgentSpawned = "agent.spawned",
    /// An agent's status changed.
    AgentStatusChanged = "agent.status_change",
    /// An agent's settings changed.
    AgentUpdated = "agent.updated",
    /// An agent left.
    AgentDeleted = "agent.deleted",
    /// A project's org chart was made, or its positions changed.
    OrgChartUpdated = "org_chart.updated",
    /// One agent wrote to another.
    MessageSent = "message.sent",
    /// A persona's text was replaced.
    PersonaUpdated = "persona.updated",
    /// A persona's shipped text is in force again.
    PersonaReset = "persona.reset",
    /// A provider was registered.
    ProviderRegistered = "provider.registered",
    /// A provider's settings or status changed.
    ProviderUpdated = "provider.updated",
    /// A provider was removed.
    ProviderDeleted = "provider.deleted",
    /// A run was opened by a claim.
    RunCreated = "run.created",
    /// Something that a waiting run waited for is there; `waits_left` says for how much more it waits.
    RunAnswered = "run.answered",
    /// A run was leased for its next step, given back to the queue after it, or waits for something outside.
    RunStatusChanged = "run.status_change",
    /// A run whose lease expired was put back in the queue.
    RunRequeued = "run.requeued",
    /// A run ended.
    RunEnded = "run.ended",
    /// A step began: money was reserved and the model is being called.
    StepStarted = "step.started",
    /// A step's model reply was journalled.
    StepReplied = "step.replied",
    /// An action of a step was performed, or refused.
    ActionPerformed = "action.performed",
    /// A step ended.
    StepEnded = "step.ended",
    /// A question was put to a person.
    DecisionCreated = "decision.created",
    /// A question was answered.
    DecisionDecided = "decision.decided",
    /// A question was handed from the decision-maker to a person, or asked again more urgently.
    DecisionEscalated = "decision.escalated",
    /// A question's deadline passed without an answer.
    DecisionExpired = "decision.expired",
    /// A workflow was defined, or its definition was replaced.
    WorkflowUpdated = "workflow.updated",
    /// An execution of a workflow began for a bead.
    WorkflowStarted = "workflow.started",
    /// An execution went from one node to another, or was put back to one.
    WorkflowAdvanced = "workflow.advanced",
    /// Something happened at a node that leaves the execution there: a failed attempt, a signal, a pause.
    WorkflowStatusChanged = "workflow.status_change",
    /// An execution ended.
    WorkflowEnded = "workflow.ended",
    /// A motivation was defined, changed, enabled or disabled.
    MotivationUpdated = "motivation.updated",
    /// A motivation was deleted.
    MotivationDeleted = "motivation.deleted",
    /// A motivation fired: it filed a bead, woke a role, or both.
    MotivationFired = "motivation.fired",
    /// A motivation was due and did not fire: a cap, its cool-down or its circuit breaker kept it, or it was missed.
    MotivationSkipped = "motivation.skipped",
    /// Beads were brought together with the files in their repository.
    BeadsSynced = "beads.synced",
    /// Beads could not be synced with their repository; `code` and `error` say why.
    BeadsSyncFailed = "beads.sync_failed",
    /// Two values of a field of a bead met in a sync; both are in the event, and one was kept.
    BeadSyncConflict = "bead.sync_conflict",
    /// A file of beads in the repository could not be read or applied, and was left alone.
    BeadSyncProblem = "bead.sync_problem",
    /// An issue was opened on GitHub.
    GithubIssueOpened = "github.issue_opened",
    /// A comment was written on GitHub.
    GithubCommentAdded = "github.comment_added",
    /// A pull request was opened on GitHub.
    GithubPrOpened = "github.pr_opened",
    /// The base branch of a repository on GitHub has moved; `sha` is its newest commit.
    GithubPushed = "github.pushed",
    /// A repository on GitHub was renamed, transferred, archived or deleted.
    GithubRepositoryChanged = "github.repository_changed",
    /// A release was published.
    ReleasePublished = "release.published",
    /// A delivery of GitHub's was accepted and kept.
    WebhookAccepted = "webhook.accepted",
    /// An event of GitHub's that a person, or a bot that the project lists, has caused.
    WebhookReceived = "webhook.received",
    /// A delivery was handled, failed, or waits to be tried again.
    WebhookStatusChanged = "webhook.status_change",
    /// Deliveries were refused: their signature was wrong, or they were no deliveries. At most one a minute and code.
    WebhookRefused = "webhook.refused",
    /// GitHub was asked to send deliveries again that never arrived.
    WebhookRedelivered = "webhook.redelivered",
    /// A connector was made, changed, or resumed.
    ConnectorUpdated = "connector.updated",
    /// A connector was paused, by an admin or because too many deliveries failed: it sends nothing.
    ConnectorPaused = "connector.paused",
    /// A connector was deleted.
    ConnectorDeleted = "connector.deleted",
    /// A lesson was kept.
    LessonCreated = "lesson.created",
    /// Money was refused: a budget would have been exceeded.
    BudgetExceeded = "budget.exceeded",
}

/// Something that happened, before it is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What kind of thing.
    pub kind: EventKind,
    /// The project concerned, if one is.
    pub project_id: Option<String>,
    /// The bead concerned, if one is.
    pub bead_id: Option<String>,
    /// The run concerned, if one is.
    pub run_id: Option<String>,
    /// The agent concerned, if one is.
    pub agent_id: Option<String>,
    /// Further facts; never secrets.
    pub data: Map<String, Value>,
}

impl NewEvent {
    /// An event about nothing in particular; the other methods say what it concerns.
    pub fn new(kind: EventKind) -> Self {
        Self {
            kind,
            project_id: None,
            bead_id: None,
            run_id: None,
            agent_id: None,
            data: Map::new(),
        }
    }

    /// It concerns a project.
    #[must_use]
    pub fn project(mut self, id: &str) -> Self {
        self.project_id = Some(id.to_owned());
        self
    }

    /// It concerns a bead.
    #[must_use]
    pub fn bead(mut self, id: &str) -> Self {
        self.bead_id = Some(id.to_owned());
        self
    }

    /// It concerns a run.
    #[must_use]
    pub fn run(mut self, id: &str) -> Self {
        self.run_id = Some(id.to_owned());
        self
    }

    /// It concerns an agent.
    #[must_use]
    pub fn agent(mut self, id: &str) -> Self {
        self.agent_id = Some(id.to_owned());
        self
    }

    /// A further fact.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }
}

/// A recorded event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Its place in the order of all events: 1, 2, 3, … without a gap. The SSE id.
    pub sequence: i64,
    /// What kind of thing, as [`EventKind::as_str`].
    #[serde(rename = "type")]
    pub kind: String,
    /// Who caused it: a user's name, `agent:<id>`, or the function that did.
    pub actor: String,
    /// The project concerned, if one is.
    pub project_id: Option<String>,
    /// The bead concerned, if one is.
    pub bead_id: Option<String>,
    /// The run concerned, if one is.
    pub run_id: Option<String>,
    /// The agent concerned, if one is.
    pub agent_id: Option<String>,
    /// Further facts.
    pub data: Value,
    /// When it was recorded, by the database's clock.
    pub created_at: Timestamp,
}
