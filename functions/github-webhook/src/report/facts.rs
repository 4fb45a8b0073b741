use loom_api::{Error, Settings};
use loom_domain::{
    bead::{Bead, ReasonCode},
    budget::BudgetScope,
    decision::DecisionStatus,
};
use loom_platform::Platform;
use loom_store::{
    StoreError, agent,
    bead::{self, Limits},
    budget, decision,
    github::{self, Notice, Report},
    run,
};

/// What a status comment tells.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Told {
    /// The bead; none while there is only an answer to a command.
    pub(super) bead: Option<Bead>,
    /// The issue that the bead was filed for.
    pub(super) issue: Option<i64>,
    /// Who works on it, or did last: name and role.
    pub(super) agent: Option<(String, String)>,
    /// The branch of the last run.
    pub(super) branch: Option<String>,
    /// The pull request: number, and whether it is merged, open or closed.
    pub(super) pull_request: Option<(i64, &'static str)>,
    /// What it has cost, in micro-US-dollars.
    pub(super) cost_micro_usd: i64,
    /// What is in the way, in the order of importance.
    pub(super) waits: Vec<ReasonCode>,
    /// Open questions about it.
    pub(super) questions: Vec<String>,
    /// Answers to commands, oldest first.
    pub(super) notices: Vec<Notice>,
}

/// Reads what a status comment has to tell.
pub(super) async fn gather<P: Platform>(platform: &P, report: &Report) -> Result<Told, Error> {
    let database = platform.database();
    let mut told = Told {
        notices: report.notices.clone(),
        ..Told::default()
    };
    let Some(bead_id) = &report.bead_id else {
        return Ok(told);
    };
    let Some(found) = bead::find(database, bead_id).await? else {
        return Ok(told);
    };
    if let Some((_, issue)) = github::issue_of_bead(database, bead_id).await? {
        told.issue = Some(issue.number);
    }
    if let Some(last) = run::of_bead(database, bead_id).await?.pop() {
        told.branch = last.branch;
        told.agent = match agent::get(database, &last.agent_id).await {
            Ok(agent) => Some((agent.name, agent.role)),
            Err(StoreError::Refused(_)) => None,
            Err(error) => return Err(error.into()),
        };
    }
    if let Some(linked) = github::pull_request_of_bead(database, bead_id).await? {
        let state = linked.state;
        let how = match (&state.merged_sha, state.is_open) {
            (Some(_), _) => "merged",
            (None, true) => "open",
            (None, false) => "closed",
        };
        told.pull_request = Some((state.number, how));
    }
    let balance = budget::balance(database, BudgetScope::Bead, bead_id).await?;
    told.cost_micro_usd = balance.spent_micro_usd;
    let settings = Settings::load(platform).await?;
    let limits = Limits {
        max_concurrent: settings.max_concurrent,
        day_budget_micro_usd: settings.daily_budget_micro_usd,
    };
    let now = loom_store::now(database).await?;
    let why = bead::why(database, &found, limits, now).await?;
    told.waits = why.reasons.iter().map(|reason| reason.code).collect();
    told.questions = decision::of_bead(database, bead_id)
        .await?
        .into_iter()
        .filter(|decision| decision.status == DecisionStatus::Open)
        .map(|decision| decision.question)
        .collect();
    told.bead = Some(found);
    Ok(told)
}
