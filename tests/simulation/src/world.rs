//! Everything of one schedule, wired together: replicas of Loom behind a balancer, TokenHub, the workspace, and people.

use std::{
    cell::RefCell,
    collections::VecDeque,
    rc::Rc,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{Request, Response, StatusCode};
use loom_platform::{
    Body, Platform, Random, Statements, Tasks, body_from,
    native::simulation::{Faults, ProcessId, SimPlatform, Simulation},
    read_body,
};
use tokio::sync::oneshot;

use crate::{
    draw::Draw,
    flow::{
        office::Office,
        people::{self as flow_people, Person},
    },
    hub::Hub,
    mutation::Mutation,
    people::{self, Claims, Stranger},
    plan::Plan,
    repository::Repository,
    setup,
};

/// How many lines of Loom's log are kept for whoever looks into a failure.
const LOG_LINES: usize = 400;

/// What `agent-step` answered to those who asked for a step.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    pub(crate) run: String,
    pub(crate) fence: i64,
}

/// The answers of `agent-step`, read on their way back.
#[derive(Default)]
pub(crate) struct Desk {
    grants: Mutex<Vec<Grant>>,
    refusals: Mutex<u64>,
}

impl Desk {
    pub(crate) fn grants(&self) -> Vec<Grant> {
        self.grants
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(crate) fn refusals(&self) -> u64 {
        *self.refusals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn note(&self, response: Response<Body>) -> Response<Body> {
        match response.status() {
            StatusCode::ACCEPTED => {}
            StatusCode::CONFLICT => {
                *self.refusals.lock().unwrap_or_else(PoisonError::into_inner) += 1;
                return response;
            }
            _ => return response,
        }
        let (head, body) = response.into_parts();
        let body = read_body(body, usize::MAX).await.unwrap();
        let begun: serde_json::Value = serde_json::from_slice(&body).unwrap();
        let grant = Grant {
            run: begun["run_id"].as_str().unwrap().to_owned(),
            fence: begun["fence"].as_i64().unwrap(),
        };
        self.grants
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(grant);
        Response::from_parts(head, body_from(body))
    }
}

/// A schedule under way.
pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) simulation: Simulation,
    pub(crate) observer: SimPlatform,
    pub(crate) replicas: Vec<ProcessId>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) repository: Arc<Repository>,
    pub(crate) desk: Arc<Desk>,
    pub(crate) claims: Arc<Claims>,
    /// In the second kind of schedule.
    pub(crate) office: Arc<Office>,
    /// The planned beads, in the order of the plan.
    pub(crate) beads: Vec<String>,
    mutation: Option<Mutation>,
    calm: Arc<AtomicBool>,
    log: Rc<RefCell<VecDeque<String>>>,
}

impl World {
    pub(crate) fn new(plan: Plan, mutation: Option<Mutation>) -> Self {
        let mut simulation = setup::simulation(&plan);
        let observer = simulation.observer();
        let variables = simulation.variables();
        for (name, value) in [
            ("tokenhub_api_key", "tokenhub_simulated".to_owned()),
            ("workspace_url", "http://workspace:8091".to_owned()),
            ("workspace_token", "simulated".to_owned()),
            ("run_lease_seconds", plan.lease_seconds.to_string()),
            ("retry_delay_seconds", plan.retry_seconds.to_string()),
            ("daily_budget_usd", plan.daily_budget_usd.to_string()),
            ("max_concurrent", plan.max_concurrent.to_string()),
        ] {
            variables.set(name, value);
        }
        let filled = simulation.inspect(setup::fill(&observer, &plan, mutation));
        let beads = filled.unwrap().unwrap();
        let scripts = plan
            .beads
            .iter()
            .enumerate()
            .map(|(index, bead)| (setup::title(index), bead.script))
            .collect();
        let temper = plan.flow.as_ref().map(|flow| flow.temper);
        let hub = Hub::new(plan.seed, plan.hub, scripts, temper, mutation);
        let repository = Repository::new(plan.seed, plan.workspace_unavailable, mutation);

        let log = Rc::new(RefCell::new(VecDeque::new()));
        let lines = Rc::clone(&log);
        loom_api::divert_log(Some(Box::new(move |line| {
            let mut lines = lines.borrow_mut();
            if lines.len() == LOG_LINES {
                lines.pop_front();
            }
            lines.push_back(line.to_owned());
        })));

        let replicas: Vec<ProcessId> = (0..plan.replicas)
            .map(|number| simulation.process(&format!("loom-{number}")))
            .collect();
        let mut world = Self {
            plan,
            simulation,
            observer,
            replicas,
            hub,
            repository,
            desk: Arc::default(),
            claims: Arc::default(),
            office: Arc::default(),
            beads,
            mutation,
            calm: Arc::default(),
            log,
        };
        world.wire();
        world
    }

    fn wire(&mut self) {
        let platforms: Vec<SimPlatform> = self
            .replicas
            .iter()
            .map(|replica| self.simulation.platform(*replica))
            .collect();
        let balancer = self.simulation.lasting_process("balancer");
        let (desk, to) = (Arc::clone(&self.desk), platforms.clone());
        self.simulation
            .serve("agent-step.spin.internal", balancer, move |own, request| {
                let (desk, to) = (Arc::clone(&desk), to.clone());
                async move {
                    let step = |platform, request| async move {
                        loom_agent_step::handle(&platform, request).await
                    };
                    desk.note(balance(&own, &to, request, step).await).await
                }
            });
        let to = platforms.clone();
        self.simulation.serve(
            "dispatch-tick.spin.internal",
            balancer,
            move |own, request| {
                let to = to.clone();
                async move {
                    let tick = |platform, request| async move {
                        loom_dispatch_tick::handle(&platform, request).await
                    };
                    balance(&own, &to, request, tick).await
                }
            },
        );
        let to = platforms.clone();
        self.simulation.serve(
            "motivations.spin.internal",
            balancer,
            move |own, request| {
                let to = to.clone();
                async move {
                    let sweep = |platform, request| async move {
                        loom_motivations::handle(&platform, request).await
                    };
                    balance(&own, &to, request, sweep).await
                }
            },
        );
        self.simulation.serve(
            "provider-heartbeat.spin.internal",
            balancer,
            move |own, request| {
                let to = platforms.clone();
                async move {
                    let heartbeat = |platform, request| async move {
                        loom_provider_heartbeat::handle(&platform, request).await
                    };
                    balance(&own, &to, request, heartbeat).await
                }
            },
        );

        let tokenhub = self.simulation.lasting_process("tokenhub");
        let (hub, observer) = (Arc::clone(&self.hub), self.observer.clone());
        self.simulation
            .serve("tokenhub", tokenhub, move |own, request| {
                Arc::clone(&hub).handle(own, observer.clone(), request)
            });
        let workspace = self.simulation.lasting_process("workspace");
        let (repository, observer) = (Arc::clone(&self.repository), self.observer.clone());
        self.simulation
            .serve("workspace", workspace, move |_, request| {
                Arc::clone(&repository).handle(observer.clone(), request)
            });
    }

    /// Starts the schedules that tick, and the strangers.
    pub(crate) fn begin(&mut self) {
        for (index, replica) in self.replicas.clone().into_iter().enumerate() {
            let (calm, office) = (Arc::clone(&self.calm), Arc::clone(&self.office));
            let observer = self.observer.clone();
            match self.plan.flow {
                None => self.simulation.supervise(replica, move |platform| {
                    people::cron(platform, Arc::clone(&calm), index == 0)
                }),
                Some(_) => self.simulation.supervise(replica, move |platform| {
                    let (calm, office) = (Arc::clone(&calm), Arc::clone(&office));
                    flow_people::cron(platform, observer.clone(), calm, office, index == 0)
                }),
            }
        }
        self.let_people_in();
        let stranger = self.simulation.lasting_process("stranger");
        let meddler = Stranger {
            platform: self.simulation.platform(stranger),
            observer: self.observer.clone(),
            claims: Arc::clone(&self.claims),
            office: Arc::clone(&self.office),
            mutation: self.mutation,
        };
        let draw = Draw::new(self.plan.seed, "stranger");
        let task = meddler.live(draw, self.plan.people, Arc::clone(&self.calm));
        self.simulation.spawn(stranger, "main", task);
        self.simulation.set_faults(self.plan.faults.clone());
    }

    /// Those who decide and steer, where beads follow workflows.
    fn let_people_in(&mut self) {
        let Some(flow) = &self.plan.flow else {
            return;
        };
        let (office, seed) = (flow.office, self.plan.seed);
        let process = self.simulation.lasting_process("person");
        let person = Person {
            platform: self.simulation.platform(process),
            observer: self.observer.clone(),
            office: Arc::clone(&self.office),
            mutation: self.mutation,
        };
        let task = person.live(Draw::new(seed, "person"), office, Arc::clone(&self.calm));
        self.simulation.spawn(process, "main", task);
    }

    /// From now on nothing goes wrong.
    pub(crate) fn calm_down(&mut self) {
        self.calm.store(true, Ordering::Relaxed);
        self.simulation.set_faults(Faults::default());
        self.hub.calm_down();
        self.repository.calm_down();
    }

    /// Drives a question to the world, which stands still meanwhile. `None` while somebody's write is in the way.
    pub(crate) fn ask<T>(&self, question: impl Future<Output = T>) -> Option<T> {
        self.simulation.inspect(question)
    }

    /// The number that a question to the database has for an answer.
    pub(crate) fn count(&self, sql: &str) -> i64 {
        let row = self.ask(self.observer.database().query_one(sql, vec![]));
        let row = row.expect("reading never waits").unwrap().unwrap();
        row.integer(0).unwrap()
    }

    /// The end of what Loom logged.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.borrow().iter().cloned().collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        loom_api::divert_log(None);
    }
}

/// Gives a request to one of the replicas, whichever: nothing may depend on two requests meeting the same process. One
/// that is down, or dies before it has answered, is a 503, as from any balancer.
async fn balance<Answer>(
    own: &SimPlatform,
    to: &[SimPlatform],
    request: Request<Body>,
    handle: impl FnOnce(SimPlatform, Request<Body>) -> Answer,
) -> Response<Body>
where
    Answer: Future<Output = Response<Body>> + Send + 'static,
{
    let drawn = usize::try_from(u32::from_le_bytes(own.random().bytes())).unwrap();
    let chosen = to[drawn % to.len()].clone();
    let (sender, receiver) = oneshot::channel();
    let answer = handle(chosen.clone(), request);
    chosen.tasks().spawn(async move {
        sender.send(answer.await).ok();
    });
    receiver.await.unwrap_or_else(|_| {
        let mut gone = Response::new(body_from(""));
        *gone.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        gone
    })
}
