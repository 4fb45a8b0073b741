//! What a seed means: the beads, the people, the settings, and what goes wrong.

use std::time::Duration;

use loom_domain::project::GitStrategy;
use loom_platform::native::simulation::Faults;

use crate::{draw::Draw, flow::plan::FlowPlan, script::Script};

/// One schedule before it runs.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) replicas: u64,
    pub(crate) agents: u64,
    pub(crate) beads: Vec<BeadPlan>,
    pub(crate) strategy: GitStrategy,
    pub(crate) project_budget: Option<i64>,
    /// Of every bead of the second project.
    pub(crate) tight_budget: i64,
    pub(crate) daily_budget_usd: i64,
    pub(crate) project_capacity: i64,
    pub(crate) max_concurrent: i64,
    pub(crate) lease_seconds: i64,
    pub(crate) retry_seconds: i64,
    /// How long things go wrong, in simulated time.
    pub(crate) chaos: Duration,
    pub(crate) faults: Faults,
    pub(crate) hub: HubTroubles,
    /// In so many of a thousand calls the workspace says that it is not there.
    pub(crate) workspace_unavailable: u64,
    pub(crate) people: People,
    /// Whether the test itself makes holders die.
    pub(crate) kills: bool,
    /// What a schedule of the second kind has beside.
    pub(crate) flow: Option<FlowPlan>,
}

/// One bead that is filed at the start.
#[derive(Debug, Clone)]
pub(crate) struct BeadPlan {
    pub(crate) script: Script,
    /// Which of those before it must be closed first.
    pub(crate) blocked_by: Vec<usize>,
    pub(crate) touches: Vec<String>,
    /// Whether it is of the second project, where a bead may spend little.
    pub(crate) is_tight: bool,
}

/// How TokenHub misbehaves, in so many of a thousand calls each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HubTroubles {
    /// 502: no provider answered, nothing is paid.
    pub(crate) bad_gateway: u64,
    /// 429 in plain text.
    pub(crate) too_many: u64,
    /// 429 with the news that the key's budget is spent.
    pub(crate) key_budget: u64,
    /// A paid 200 that is no reply.
    pub(crate) garbage: u64,
    /// A paid reply that never arrives.
    pub(crate) lost: u64,
    /// A reply that takes up to 130 seconds.
    pub(crate) slow: u64,
}

/// What others than the loop itself do meanwhile, in so many of a thousand moments each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct People {
    /// Somebody asks for a step of a run, live or not.
    pub(crate) stray_steps: u64,
    /// Somebody asks for a tick.
    pub(crate) stray_ticks: u64,
    /// Somebody claims a bead over the API.
    pub(crate) claims: u64,
    /// Somebody stops a run.
    pub(crate) cancels: u64,
}

impl Plan {
    /// A quiet world: nothing goes wrong, nobody meddles.
    pub(crate) fn quiet(seed: u64, scripts: &[Script]) -> Self {
        Self {
            seed,
            replicas: 1,
            agents: 3,
            beads: scripts.iter().map(|script| BeadPlan::of(*script)).collect(),
            strategy: GitStrategy::Direct,
            project_budget: None,
            tight_budget: 1,
            daily_budget_usd: 0,
            project_capacity: 12,
            max_concurrent: 12,
            lease_seconds: 30,
            retry_seconds: 5,
            chaos: Duration::ZERO,
            faults: Faults::default(),
            hub: HubTroubles::default(),
            workspace_unavailable: 0,
            people: People::default(),
            kills: false,
            flow: None,
        }
    }

    /// The plan of a seed.
    ///
    /// As with [`Faults::drawn`], each kind of trouble is absent in half of the seeds.
    pub(crate) fn drawn(seed: u64) -> Self {
        let mut draw = Draw::new(seed, "plan");
        let mut trouble = Draw::new(seed, "trouble");
        let mut chance = |most: u64| match trouble.below(4) {
            0 => most,
            1 => most / 8,
            _ => 0,
        };
        // Few beads meet as many faults each, so small worlds find more in the same time.
        let count = 3 + if seed.is_multiple_of(16) {
            draw.below(6)
        } else {
            0
        };
        let beads = (0..count).map(|number| bead(&mut draw, number)).collect();
        Self {
            seed,
            replicas: draw.pick(&[1, 2, 2, 2, 3]),
            agents: 3 + draw.below(4),
            beads,
            strategy: draw.pick(&[
                GitStrategy::Direct,
                GitStrategy::Direct,
                GitStrategy::Direct,
                GitStrategy::BranchPr,
            ]),
            project_budget: draw.pick(&[None, None, Some(150_000), Some(400_000)]),
            tight_budget: draw.pick(&[1_000, 90_000, 110_000]),
            daily_budget_usd: draw.pick(&[0, 0, 0, 1]),
            project_capacity: draw.pick(&[1, 3, 12]),
            max_concurrent: draw.pick(&[2, 12, 12]),
            lease_seconds: draw.pick(&[15, 15, 40, 40, 150]),
            retry_seconds: draw.pick(&[0, 5, 30]),
            chaos: Duration::from_secs(15 + draw.below(40)),
            faults: Faults::drawn(seed),
            hub: HubTroubles {
                bad_gateway: chance(150),
                too_many: chance(150),
                key_budget: chance(20),
                garbage: chance(100),
                lost: chance(80),
                slow: chance(200),
            },
            workspace_unavailable: chance(100),
            people: People {
                stray_steps: chance(700),
                stray_ticks: chance(400),
                claims: chance(300),
                cancels: chance(60),
            },
            kills: false,
            flow: None,
        }
    }

    /// Whether anything in this plan may make a holder send a request for the second time while the first is still
    /// being answered, or after TokenHub has forgotten it.
    ///
    /// TokenHub has no lock on a key and forgets it after five minutes, so in these worlds a reply may be paid twice
    /// whatever Loom does; in all others it may not.
    pub(crate) fn excuses_double_payment(&self) -> bool {
        let faults = &self.faults;
        let network = faults.duplicate + faults.lost_reply + faults.truncated;
        let holder = faults.crash + faults.busy + faults.delay;
        self.kills
            || network + holder > 0.0
            || self.hub.lost + self.hub.slow + self.people.cancels > 0
    }
}

impl BeadPlan {
    fn of(script: Script) -> Self {
        Self {
            script,
            blocked_by: Vec::new(),
            touches: Vec::new(),
            is_tight: false,
        }
    }
}

fn bead(draw: &mut Draw, number: u64) -> BeadPlan {
    let script = match draw.below(20) {
        0..=2 => Script::WorksAtOnce,
        3 => Script::Delegates,
        4..=6 => Script::Works,
        7 | 8 => Script::CommitsTwice,
        9 => Script::ChangesNothing,
        10 => Script::Talks,
        11 | 12 => Script::Collides,
        13 => Script::FailsFirst(1),
        14 => Script::FailsFirst(2),
        15 | 16 => Script::GivesUp,
        17 => Script::Babbles,
        // Fifteen steps each, so rarer than the others.
        18 if draw.below(4) == 0 => Script::Loops,
        18 => Script::WorksAtOnce,
        _ => Script::Escalates,
    };
    let blocker = (number > 0 && draw.below(4) == 0).then(|| draw.below(number));
    let touches = if draw.below(4) == 0 {
        vec!["src/**".to_owned()]
    } else {
        Vec::new()
    };
    BeadPlan {
        script,
        blocked_by: blocker
            .and_then(|index| usize::try_from(index).ok())
            .into_iter()
            .collect(),
        touches,
        is_tight: number == 2,
    }
}
