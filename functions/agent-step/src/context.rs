//! Everything that the prompt of a step is made of.

use loom_api::Settings;
use loom_domain::{
    action,
    agent::Agent,
    bead::Bead,
    budget::BudgetScope,
    conversation::Message,
    lesson::{self, Embedding, Lesson, LessonCategory},
    persona::{self, AllowedActions, Persona},
    project::Project,
    prompt::{
        self, Attempt, BeadFacts, CommentFacts, PersonaFacts, Progress, ProjectFacts,
        PromptContext, Remaining,
    },
    run::{Hold, MAX_STEPS, Run, RunStatus},
};
use loom_platform::{Files, KeyValue, Platform, Statements};
use loom_store::{agent, bead, budget, github, knowledge, persona as overrides, project, run};
use serde_json::Value;

use crate::{journal, model::MAX_REPLY_TOKENS, stage::Stage, stop::Stop};

/// How many comments on the bead, and messages to the role, are read.
const COMMENTS: i64 = 10;
const MESSAGES: i64 = 5;

/// What is known of the run, its work and its worker.
pub(crate) struct Context {
    pub(crate) run: Run,
    pub(crate) bead: Bead,
    pub(crate) project: Project,
    pub(crate) agent: Agent,
    pub(crate) persona: Persona,
    /// The node of the workflow that the bead follows, if it follows one.
    pub(crate) stage: Option<Stage>,
    /// The branch whose work the run goes on with: that of an earlier stage, or of the bead's pull request.
    pub(crate) continues: Option<String>,
    allowed_actions: Option<Vec<String>>,
    unread: Vec<knowledge::Message>,
}

impl Context {
    /// Reads it.
    pub(crate) async fn load<P: Platform>(platform: &P, hold: &Hold) -> Result<Self, Stop> {
        let database = platform.database();
        let run = run::get(database, &hold.run_id).await?;
        let bead = bead::get(database, &run.bead_id).await?;
        let project = project::get(database, &run.project_id).await?;
        let agent = agent::get(database, &run.agent_id).await?;
        let persona = load_persona(platform, &agent).await?;
        let stage = Stage::load(database, &bead, &run).await?;
        let allowed_actions = match &persona.allowed_actions {
            AllowedActions::All => None,
            AllowedActions::Only(names) => {
                let mut names = names.clone();
                if let Some(stage) = &stage {
                    stage.widen(&mut names);
                }
                Some(names)
            }
        };
        let continues = match stage.as_ref().and_then(|stage| stage.continues.clone()) {
            None if project.repository().is_some() => pull_request_head(database, &bead).await?,
            earlier => earlier,
        };
        let unread = knowledge::messages_for(database, &run, &agent.role, MESSAGES).await?;
        Ok(Self {
            run,
            bead,
            project,
            agent,
            persona,
            stage,
            continues,
            allowed_actions,
            unread,
        })
    }

    /// The actions that the persona may use at this stage; every one when `None`.
    pub(crate) fn allowed_actions(&self) -> Option<&[String]> {
        self.allowed_actions.as_deref()
    }

    /// The tools that the model is given.
    pub(crate) fn tools(&self) -> Vec<Value> {
        action::tools(self.allowed_actions())
    }

    /// Notes that this run read the messages in its prompt.
    pub(crate) async fn mark_messages_read<S: Statements>(&self, tx: &S) -> Result<(), Stop> {
        Ok(knowledge::mark_read(tx, &self.run.id, &self.unread).await?)
    }

    /// The messages of step `number`, trimmed to the model's window.
    pub(crate) async fn messages<P: Platform>(
        &self,
        platform: &P,
        settings: &Settings,
        number: i64,
        window: usize,
    ) -> Result<Vec<Message>, Stop> {
        let database = platform.database();
        let history = run::conversation(database, &self.run.id).await?;
        let log = journal::performed(&run::action_log(database, &self.run.id).await?);
        let lessons = self.lessons(platform).await?;
        let earlier = self.earlier_runs(platform).await?;
        let attempts: Vec<Attempt<'_>> = earlier.iter().map(EarlierRun::facts).collect();
        let comments = bead::comments(database, &self.bead.id, COMMENTS).await?;
        let mut texts: Vec<CommentFacts<'_>> = comments
            .iter()
            .map(|comment| CommentFacts {
                author: &comment.author,
                body: &comment.content,
            })
            .collect();
        texts.extend(self.unread.iter().map(|message| CommentFacts {
            author: &message.from_agent,
            body: &message.body,
        }));
        let instructions = platform
            .key_value()
            .get(&instructions_key(&self.run.id))
            .await
            .ok()
            .flatten();
        let instructions = instructions
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .filter(|text| !text.is_empty());
        let brief = self.stage.as_ref().map(Stage::brief);
        let stages = self.stage.as_ref().map(Stage::before).unwrap_or_default();
        let context = PromptContext {
            persona: PersonaFacts {
                name: &self.agent.name,
                role: &self.agent.role,
                autonomy: self.persona.autonomy.as_str(),
                specialties: &self.persona.specialties,
                body: &self.persona.body,
            },
            allowed_actions: self.allowed_actions(),
            text_mode: false,
            project: ProjectFacts {
                name: &self.project.name,
                branch: &self.project.branch,
                git_strategy: self.project.git_strategy.as_str(),
                instructions: instructions.as_deref(),
                build_command: self.project.build_command.as_deref(),
                test_command: self.project.test_command.as_deref(),
                lint_command: self.project.lint_command.as_deref(),
            },
            bead: BeadFacts {
                id: &self.bead.id,
                kind: &self.bead.kind,
                priority: u8::try_from(self.bead.priority.number()).unwrap_or(3),
                title: &self.bead.title,
                description: &self.bead.description,
                tags: &self.bead.tags,
                touches: &self.bead.touches,
                comments: &texts,
            },
            node_instructions: brief.as_deref(),
            stages: &stages,
            lessons: &lessons,
            attempts: &attempts,
            branch: self.run.branch.as_deref(),
            progress: Progress::from_log(&log),
            remaining: Remaining {
                step: number,
                max_steps: MAX_STEPS,
                micro_usd: self.money_left(platform, settings).await?,
            },
        };
        let max_output = usize::try_from(MAX_REPLY_TOKENS).unwrap_or(usize::MAX);
        Ok(prompt::assemble(&context, &history, window, max_output))
    }

    /// What the tightest of the budgets still allows.
    async fn money_left<P: Platform>(
        &self,
        platform: &P,
        settings: &Settings,
    ) -> Result<Option<i64>, Stop> {
        let caps = [
            (
                BudgetScope::Bead,
                self.bead.id.as_str(),
                self.project.bead_budget_micro_usd,
            ),
            (
                BudgetScope::Project,
                self.project.id.as_str(),
                self.project.budget_micro_usd,
            ),
        ];
        let mut left: Option<i64> = settings.daily_budget_micro_usd;
        for (scope, subject, cap) in caps {
            if let Some(cap) = cap {
                let balance = budget::balance(platform.database(), scope, subject).await?;
                let rest = (cap - balance.spent_micro_usd - balance.reserved_micro_usd).max(0);
                left = Some(left.map_or(rest, |left| left.min(rest)));
            }
        }
        Ok(left)
    }

    async fn lessons<P: Platform>(&self, platform: &P) -> Result<Vec<Lesson>, Stop> {
        let considered = i64::try_from(lesson::CONSIDERED).unwrap_or(i64::MAX);
        let stored = knowledge::lessons(platform.database(), &self.project.id, considered).await?;
        let candidates: Vec<lesson::Candidate> = stored
            .into_iter()
            .filter_map(|stored| {
                Some(lesson::Candidate {
                    embedding: Embedding::from_bytes(&stored.embedding),
                    created_at: stored.created_at,
                    lesson: Lesson {
                        category: LessonCategory::parse(&stored.category)?,
                        title: stored.title,
                        detail: stored.detail,
                    },
                })
            })
            .collect();
        let about = Embedding::of(&format!("{} {}", self.bead.title, self.bead.description));
        let now = loom_store::now(platform.database()).await?;
        Ok(lesson::relevant(&about, &candidates, now))
    }

    async fn earlier_runs<P: Platform>(&self, platform: &P) -> Result<Vec<EarlierRun>, Stop> {
        let database = platform.database();
        let mut earlier = Vec::new();
        for run in run::of_bead(database, &self.bead.id).await? {
            // What a stage before this one brought is told as that, not as an attempt that failed.
            let is_stage = self.stage.is_some() && run.status == RunStatus::Succeeded;
            if run.id == self.run.id || run.ended_at.is_none() || is_stage {
                continue;
            }
            let records = run::action_log(database, &run.id).await?;
            earlier.push(EarlierRun {
                failing_output: prompt::failing_output(&journal::performed(&records)),
                commit: run
                    .commit
                    .clone()
                    .or_else(|| journal::last_commit(&records)),
                run,
            });
        }
        Ok(earlier)
    }
}

/// The head of the open pull request that a bead's earlier run has opened, or that the bead is to review.
async fn pull_request_head<S: Statements>(
    statements: &S,
    bead: &Bead,
) -> Result<Option<String>, Stop> {
    let found = github::pull_request_of_bead(statements, &bead.id).await?;
    Ok(found.filter(|found| found.state.is_open).map(|found| {
        if found.owner_bead.as_ref() == Some(&bead.id) {
            found.state.head_branch
        } else {
            // It may be in a fork, whose branches are not in this repository.
            format!("pull/{}/head", found.state.number)
        }
    }))
}

struct EarlierRun {
    run: Run,
    failing_output: Option<String>,
    commit: Option<String>,
}

impl EarlierRun {
    fn facts(&self) -> Attempt<'_> {
        Attempt {
            number: self.run.attempt,
            ended: self.run.reason.as_deref().unwrap_or_default(),
            summary: self.run.summary.as_deref().unwrap_or_default(),
            failing_output: self.failing_output.as_deref(),
            branch: self.run.branch.as_deref(),
            commit: self.commit.as_deref(),
        }
    }
}

/// Where the project's own instructions are cached for a run, so that its prompt stays the same.
pub(crate) fn instructions_key(run_id: &str) -> String {
    format!("instructions:{run_id}")
}

/// The agent's persona: the override if there is one, else the shipped file.
async fn load_persona<P: Platform>(platform: &P, agent: &Agent) -> Result<Persona, Stop> {
    let path = format!("personas/{}/SKILL.md", agent.persona);
    let text = match overrides::find(platform.database(), &agent.persona).await? {
        Some(stored) => stored.content,
        None => platform
            .files()
            .read(&format!("/{path}"))
            .map_err(|error| unusable(agent, &error.to_string()))?,
    };
    persona::parse(&path, &text, &action::Action::NAMES)
        .map_err(|error| unusable(agent, &error.to_string()))
}

fn unusable(agent: &Agent, why: &str) -> Stop {
    Stop::End(loom_domain::run::EndReason::Failed {
        code: "persona_unusable".to_owned(),
        message: format!(
            "The persona {} of agent {} cannot be used: {why}",
            agent.persona, agent.name
        ),
    })
}
